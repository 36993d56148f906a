// Which commit is meant by a time, an id, or nothing at all.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findSave } from "./find-save.ts";
import { createGit, type Git } from "../git.ts";
import { findBase } from "../files/compare.ts";
import { commitFiles } from "../../../../test/support/commit-files.ts";

let root: string;
let git: Git;
const noRemote = { look: async () => ({ branch: "main", tip: null }), fetch: async () => "" };
const time = Date.UTC(2030, 0, 1);
const minute = 60_000;
const work = "refs/sesta/work";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sesta-find-"));
  execFileSync("git", ["init", "--quiet", "--bare", join(root, "git")]);
  git = createGit(join(root, "git"), { PATH: process.env["PATH"] });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it("finds the newest, one by its id, and the newest that is not later than a time", async () => {
  const one = await commitFiles(git, work, { a: "1" }, { at: time });
  const two = await commitFiles(git, work, { a: "2" }, { at: time + 10 * minute });
  const wrong = await commitFiles(git, work, { a: "3" }, { at: time + 5 * minute }); // the clock went back
  const saving = { git, remote: noRemote };
  expect(await findSave(saving, null)).toEqual({ commit: wrong, at: time + 5 * minute });
  expect(await findSave(saving, one.slice(0, 7))).toEqual({ commit: one, at: time });
  expect(await findSave(saving, time + 60 * minute)).toMatchObject({ commit: two });
  expect(await findSave(saving, time + 9 * minute)).toMatchObject({ commit: wrong });
  expect(await findSave(saving, time + 500)).toMatchObject({ commit: one });
  await expect(findSave(saving, time - 1000)).rejects.toMatchObject({
    code: "SAVE_MISSING",
    message: expect.stringMatching(/^nothing was saved by 20\d\d-\d\d-\d\d \d\d:\d\d:59$/),
    hint: expect.stringMatching(/20\d\d-\d\d-\d\d \d\d:\d\d:00\.$/),
  });
});

it("takes only commits that a save reaches, and asks the remote for others", async () => {
  await commitFiles(git, work, { a: "1" });
  const loose = await commitFiles(git, "refs/heads/loose", { a: "not a save" }, { parent: null });
  await git.get(["update-ref", "-d", "refs/heads/loose"]);
  await expect(findSave({ git, remote: noRemote }, loose)).rejects.toMatchObject({ code: "SAVE_MISSING" });
  const fetching = {
    look: async () => ({ branch: "main", tip: loose }),
    fetch: async () => git.get(["update-ref", "refs/sesta/remote/main", loose]).then(() => loose),
  };
  expect(await findSave({ git, remote: fetching }, loose)).toMatchObject({ commit: loose });
  for (const id of ["HEAD", "main", "--all", "zzzzzzz", "abc"]) {
    await expect(findSave({ git, remote: noRemote }, id)).rejects.toMatchObject({ code: "USAGE" });
  }
});

it("falls back to what the remote has, and says when nothing is saved", async () => {
  await expect(findSave({ git, remote: noRemote }, null)).rejects.toMatchObject({ code: "SAVE_MISSING" });
  const there = await commitFiles(git, "refs/sesta/remote/main", { a: "1" });
  const remote = { look: async () => ({ branch: "main", tip: there }), fetch: async () => there };
  expect(await findSave({ git, remote }, null)).toMatchObject({ commit: there });
});

it("knows the commit that two branches come from, and when there is none", async () => {
  const base = await commitFiles(git, work, { a: "1" });
  const ours = await commitFiles(git, work, { a: "2" });
  const theirs = await commitFiles(git, "refs/heads/theirs", { a: "3" }, { parent: base });
  const other = await commitFiles(git, "refs/heads/other", { a: "4" }, { parent: null });
  expect(await findBase(git, ours, theirs)).toBe(base);
  expect(await findBase(git, ours, other)).toBeUndefined();
});
