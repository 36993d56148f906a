// The queue before a model: what is joined, what is not, and that nobody gets another's rows.
import fc from "fast-check";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createBatcher, type Job } from "./batch.ts";
import { datatypes, type Datatype } from "./datatype.ts";
import type { Model, Tensor } from "./model.ts";

/** A model of one input `[n, width]` that gives each row's sum, and remembers how many rows it ran. */
function summing(refused = Number.NaN) {
  const runs: number[] = [];
  const datatype = datatypes[1] as Datatype;
  const port = (name: string) => ({ name, datatype, shape: [-1, -1] });
  const model: Model = {
    name: "sum",
    version: "1",
    inputs: [port("x")],
    outputs: [port("y")],
    leftOut: [],
    run([input]) {
      const { data, dims } = input as Tensor;
      const [rows = 0, width = 0] = dims;
      const values = data as Float32Array;
      if (values.includes(refused)) throw new Error("refused");
      runs.push(rows);
      const sums = Float32Array.from({ length: rows }, (_, row) =>
        values.subarray(row * width, (row + 1) * width).reduce((sum, one) => sum + one, 0),
      );
      return [{ data: sums, dims: [rows, 1] }];
    },
  };
  return { model, runs };
}

function ask(submit: (job: Job) => boolean, rows: readonly (readonly number[])[], isAbandoned = () => false) {
  return new Promise<number[]>((resolve, reject) => {
    const dims = [rows.length, rows[0]?.length ?? 0];
    const isTaken = submit({
      inputs: [{ data: Float32Array.from(rows.flat()), dims }],
      isAbandoned,
      done({ outputs, from, rows: count }) {
        const data = outputs[0]?.data as Float32Array;
        resolve([...(count === -1 ? data : data.subarray(from, from + count))]);
      },
      fail: reject,
    });
    if (!isTaken) reject(new Error("full"));
  });
}

const nothing = () => undefined;

test("everybody gets the rows that are theirs, whatever is joined", async () => {
  const row = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 2 });
  const jobs = fc.array(fc.array(row, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(jobs, fc.integer({ min: 1, max: 20 }), async (asked, maxRows) => {
      const { model, runs } = summing();
      const { submit } = createBatcher(model, { maxRows, maxWaiting: 100, onRun: nothing });
      const answers = await Promise.all(asked.map((rows) => ask(submit, rows)));
      expect(answers).toEqual(asked.map((rows) => rows.map(([a = 0, b = 0]) => a + b)));
      expect(Math.max(...runs)).toBeLessThanOrEqual(Math.max(maxRows, 5));
    }),
    { numRuns: 50 },
  );
});

test("a request that comes alone runs in the same turn; those of one turn run together", async () => {
  const { model, runs } = summing();
  const { submit } = createBatcher(model, { maxRows: 64, maxWaiting: 100, onRun: nothing });
  await ask(submit, [[1, 2]]);
  await Promise.all(Array.from({ length: 10 }, () => ask(submit, [[1, 2]])));
  expect(runs).toEqual([1, 10]);
});

test("rows of another width are not joined", async () => {
  const { model, runs } = summing();
  const { submit } = createBatcher(model, { maxRows: 64, maxWaiting: 100, onRun: nothing });
  expect(await Promise.all([ask(submit, [[1, 2]]), ask(submit, [[1, 2, 3]]), ask(submit, [[4, 5]])])).toEqual(
    [[3], [6], [9]],
  );
  expect(runs).toEqual([2, 1]);
});

test("one that makes the model throw fails alone", async () => {
  const { model } = summing(13);
  const { submit } = createBatcher(model, { maxRows: 64, maxWaiting: 100, onRun: nothing });
  const settled = await Promise.allSettled([1, 13, 2].map((value) => ask(submit, [[value, 0]])));
  expect(settled.map((one) => (one.status === "fulfilled" ? one.value : "refused"))).toEqual([
    [1],
    "refused",
    [2],
  ]);
});

test("what nobody waits for does not run, and a full queue says so", async () => {
  const { model, runs } = summing();
  const { submit } = createBatcher(model, { maxRows: 1, maxWaiting: 2, onRun: nothing });
  void ask(submit, [[1, 1]], () => true);
  const second = ask(submit, [[2, 2]]);
  await expect(ask(submit, [[3, 3]])).rejects.toThrow("full");
  expect(await second).toEqual([4]);
  await turn();
  expect(runs).toEqual([1]);
});
