// A few at once, the rest in their order; who gives up waiting leaves no gap.
import { expect, test } from "vitest";
import { createBootLane } from "./boot-lane.ts";

const never = new AbortController().signal;
const turn = () => new Promise((resolve) => setImmediate(resolve));

function crowd(width: number) {
  const lane = createBootLane(width);
  const begun: number[] = [];
  const finish = new Map<number, (error?: Error) => void>();
  const waits = new Map<number, number>();
  const enter = (id: number, signal = never) =>
    lane.run(
      () =>
        new Promise<number>((resolve, reject) => {
          begun.push(id);
          finish.set(id, (error) => (error ? reject(error) : resolve(id)));
        }),
      signal,
      (before) => waits.set(id, before),
    );
  return { enter, begun, waits, finish: (id: number, error?: Error) => finish.get(id)?.(error) };
}

test("L2: as many as fit, then first come, first served", async () => {
  const { enter, begun, waits, finish } = crowd(2);
  const all = [0, 1, 2, 3, 4].map((id) => enter(id));
  await turn();
  expect([begun, [...waits]]).toEqual([
    [0, 1],
    [
      [2, 0],
      [3, 1],
      [4, 2],
    ],
  ]);
  finish(1);
  await turn();
  const late = enter(5);
  await turn();
  expect([begun, waits.get(3), waits.get(5)]).toEqual([[0, 1, 2], 0, 2]);
  for (const id of [0, 2, 3, 4, 5]) {
    finish(id);
    await turn();
  }
  expect([begun, await Promise.all([...all, late])]).toEqual([
    [0, 1, 2, 3, 4, 5],
    [0, 1, 2, 3, 4, 5],
  ]);
});

test("one that fails makes room as well", async () => {
  const { enter, begun, finish } = crowd(1);
  const first = enter(1);
  const second = enter(2);
  await turn();
  finish(1, new Error("no"));
  await expect(first).rejects.toThrow("no");
  await turn();
  expect(begun).toEqual([1, 2]);
  finish(2);
  await second;
});

test("F22: who is called off while it waits never begins, and those behind it move up", async () => {
  const { enter, begun, waits, finish } = crowd(1);
  const ending = new AbortController();
  const all = [enter(1), enter(2, ending.signal), enter(3)];
  const second = expect(all[1]).rejects.toThrow("enough");
  await turn();
  ending.abort(new Error("enough"));
  await second;
  expect(waits.get(3)).toBe(0);
  await expect(enter(4, ending.signal)).rejects.toThrow("enough");
  finish(1);
  await turn();
  expect(begun).toEqual([1, 3]);
  finish(3);
  await Promise.all([all[0], all[2]]);
});
