// Where outputs come to: nothing that one run brought is ever written over by another.
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createScratchContext, type ScratchContext } from "../../../test/support/scratch-context.ts";
import type { Run, RunNode, RunState } from "../../model/run.ts";
import { claimFolder, findFolder, isUnfetched } from "./outputs-folder.ts";

let scratch: ScratchContext;
beforeEach(async () => (scratch = await createScratchContext("name: outputs-test\n")));
afterEach(() => scratch.end());

const into = "results";
const place = (...parts: string[]) => join(scratch.folder, into, ...parts);

function add(state: RunState, fetch: string[] = ["out.txt"], machines = ["local"], job = "train"): Run {
  const node = { state, startedAt: 1, folder: "/r" };
  return scratch.context.state.addRun({
    job,
    state,
    createdAt: 1,
    nodes: machines.map((machine) => ({ ...node, machine }) as RunNode),
    fetched: null,
    settings: { fetch, into, timeoutMs: 0, rendezvousMs: 0 },
  } as unknown as Omit<Run, "id">);
}

let at = 0;

/** @returns the folder, in which `files` now are */
async function bring({ id }: Run, files: readonly string[], isWhole = true): Promise<string> {
  const { context } = scratch;
  const folder = await claimFolder(context, context.state.findRun(id) as Run);
  for (const file of files) {
    await mkdir(join(folder, file, ".."), { recursive: true });
    await writeFile(join(folder, file), id);
  }
  const fetched = { files: files.length, bytes: 1, into: folder, at: ++at, isWhole };
  context.state.changeRun(id, (run) => ({ ...run, fetched }));
  return folder;
}

test("the first run has the folder, the next one goes beside it, each again to where it was", async () => {
  const [one, two] = [add("succeeded"), add("succeeded")];
  expect(await bring(one, ["out.txt"])).toBe(place());
  expect(await bring(two, ["out.txt"])).toBe(place(two.id));
  expect(await bring(one, ["out.txt"])).toBe(place());
  expect(await bring(two, ["out.txt"])).toBe(place(two.id));
});

test("a rerun on several machines goes beside the folders of the machines", async () => {
  const machines = ["boxa", "boxb"];
  const [one, two] = [add("succeeded", ["out.txt"], machines), add("succeeded", ["out.txt"], machines)];
  const files = machines.map((machine) => `${machine}/out.txt`);
  expect(await bring(one, files)).toBe(place());
  expect(await bring(two, files)).toBe(place(two.id));
});

test("a run that was fetched before it had anything keeps its place until it is over", async () => {
  const one = add("running");
  expect(await bring(one, [], false)).toBe(place());
  const two = add("succeeded");
  expect(await bring(two, ["out.txt"])).toBe(place(two.id));
  expect(await bring(one, ["out.txt"])).toBe(place());
});

test("an older run does not come back over one that came after somebody made room", async () => {
  const one = add("succeeded");
  await bring(one, ["out.txt"]);
  await rm(place(), { recursive: true });
  const [two, other] = [add("succeeded"), add("succeeded", ["score.*"], ["local"], "eval")];
  expect(await bring(two, ["out.txt"])).toBe(place());
  expect(await bring(other, ["score.txt"])).toBe(place());
  expect(await bring(one, ["out.txt"])).toBe(place(one.id));
  expect(await bring(other, ["score.txt"])).toBe(place()); // theirs never met
  expect(await bring(two, ["out.txt"])).toBe(place());
});

test("names are compared as they are meant", async () => {
  await mkdir(place(), { recursive: true });
  await writeFile(place("out.txt"), "");
  for (const pattern of ["./out.txt", "*.txt", "/out.txt", "o??.txt/x"]) {
    const run = add("succeeded", [pattern]);
    expect(await bring(run, []), pattern).toBe(place(run.id));
  }
});

test("outputs are found where the project is now", async () => {
  const one = add("succeeded");
  await bring(one, ["out.txt"]);
  const { project } = scratch.context;
  const moved = { ...scratch.context, project: { ...project, folder: join(scratch.folder, "moved") } };
  await mkdir(moved.project.folder);
  await rename(place(), join(moved.project.folder, into));
  const run = moved.state.findRun(one.id) as Run;
  expect(findFolder(moved, run)).toBe(join(moved.project.folder, into));
  expect(await claimFolder(moved, run)).toBe(join(moved.project.folder, into));
});

test("what was fetched while it ran is not all of it", async () => {
  const one = add("running");
  await bring(one, ["out.txt"], false);
  const { state } = scratch.context;
  expect(isUnfetched(state.findRun(one.id) as Run)).toBe(true);
  await bring(one, ["out.txt"]);
  expect(isUnfetched(state.findRun(one.id) as Run)).toBe(false);
});
