// What is kept of pipelines: the last twenty runs, and what somebody has used in the last thirty days.
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createScratchContext, type ScratchContext } from "../../../test/support/scratch-context.ts";
import { prunePipeline } from "./clear-away.ts";
import { logFolder, pipelineFolders } from "./folders.ts";

let scratch: ScratchContext;
afterEach(() => scratch?.end());

test("older runs go with their logs; of what is old, only what nobody uses", async () => {
  scratch = await createScratchContext("name: demo\n");
  const { context } = scratch;
  const { state, folder } = context;
  const { results, store, environments } = pipelineFolders(folder);
  const add = (number: number) =>
    state.addPipelineRun("p", number, () => ({
      endedAt: number,
      state: "succeeded",
      why: null,
      commit: "c",
      dirty: false,
      stages: [],
      work: "/nowhere",
    }));
  const ids = Array.from({ length: 23 }, (_, number) => add(number).id);
  for (const id of ids) mkdirSync(logFolder(folder, id), { recursive: true });
  const put = (path: string, content: string, ageDays: number) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    const at = Date.now() / 1000 - ageDays * 86_400;
    utimesSync(path, at, at);
  };
  const result = (sha256: string) => JSON.stringify({ key: "k", result: { outputs: [{ sha256 }] } });
  const blob = (letter: string) => join(store, letter.repeat(2), letter.repeat(64));
  put(join(results, "new.json"), result("a".repeat(64)), 29);
  put(join(results, "old.json"), result("b".repeat(64)), 31);
  put(join(results, "cut.json"), '{"key": "k", "res', 1);
  for (const [letter, age] of [
    ["a", 100],
    ["b", 100],
    ["c", 0],
  ] as const)
    put(blob(letter), "x", age);
  put(join(environments, "used", ".complete"), "", 1);
  put(join(environments, "unused", ".complete"), "", 40);
  put(join(environments, "being-made", "python"), "", 40);

  await prunePipeline(context, "p");
  expect(state.listPipelineRuns("p").map(({ id }) => id)).toEqual(ids.slice(3).toReversed());
  expect(ids.map((id) => existsSync(logFolder(folder, id)))).toEqual([
    ...Array(3).fill(false),
    ...Array(20).fill(true),
  ]);
  expect(readdirSync(results).toSorted()).toEqual(["cut.json", "new.json"]);
  expect(["a", "b", "c"].map((letter) => existsSync(blob(letter)))).toEqual([true, false, true]);
  expect(readdirSync(environments).toSorted()).toEqual(["being-made", "used"]);
});
