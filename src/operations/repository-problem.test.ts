// A repository in a folder, looked at before anything is made.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createScratchContext, type ScratchContext } from "../../test/support/scratch-context.ts";
import { findRepositoryProblem } from "./repository-problem.ts";
import { planUp } from "./plan.ts";

const yaml = "name: team\nworkloads:\n  nb: { type: lab, workspace: notes }\n";
let outer: string;
let scratch: ScratchContext;

beforeEach(async () => {
  outer = realpathSync(mkdtempSync(join(tmpdir(), "sesta-repository-")));
  scratch = await createScratchContext(yaml);
});
afterEach(async () => {
  await scratch.end();
  rmSync(outer, { recursive: true, force: true });
});

const find = (repo: string) => findRepositoryProblem(repo, scratch.context.project);
const init = (...operands: string[]) => execFileSync("git", ["init", "--quiet", ...operands]);

test("a bare one is good, and so is what only a visit can tell", async () => {
  init("--bare", join(outer, "saves.git"));
  expect(await find(join(outer, "saves.git"))).toBeUndefined();
  expect(await find(`file://${join(outer, "saves.git")}`)).toBeUndefined();
  for (const repo of ["https://example.org/a.git", "git@example.org:a/b.git"])
    expect(await find(repo)).toBeUndefined();
});

test("one that is not there, is none, or is somebody's own checkout, each with what to do", async () => {
  expect(await find(join(outer, "typo.git"))).toMatch(
    /typo\.git does not exist: `git init --bare .*typo\.git`/,
  );
  mkdirSync(join(outer, "plain"));
  init(join(outer, "own"));
  for (const name of ["plain", "own", "own/.git"])
    expect(await find(join(outer, name))).toMatch(/is no bare git repository: .*`git init --bare`/);
});

test("one in a workspace is refused, also by way of a link", async () => {
  const inner = join(scratch.folder, "notes", "saves.git");
  init("--bare", inner);
  symlinkSync(inner, join(outer, "link.git"));
  await expect(find(join(outer, "link.git"))).rejects.toMatchObject({ code: "PROJECT_INVALID" });
});

test("the plan warns of it, and is a plan all the same", async () => {
  const context = await scratch.reopen(
    yaml.replace("workspace: notes", "workspace: notes, save: { repo: ./typo.git }"),
  );
  expect((await planUp(context)).plans).toMatchObject([
    { action: "create", warnings: [expect.stringContaining("does not exist") as string] },
  ]);
});
