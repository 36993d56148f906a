// A commit's files written into a folder: whole, with their modes, and never outside of it.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createGit, type Git } from "../git.ts";
import { findDifferent } from "./find-different.ts";
import { removeFiles } from "./remove-files.ts";
import { listTree, writeTree, type TreeFile } from "./write-tree.ts";
import { commitFiles } from "../../../../test/support/commit-files.ts";

let root: string;
let to: string;
let git: Git;
let umask: number;
const ref = "refs/sesta/work";

beforeEach(() => {
  umask = process.umask(0o077); // as the agent has it
  root = mkdtempSync(join(tmpdir(), "sesta-tree-"));
  to = join(root, "workspace");
  mkdirSync(to);
  execFileSync("git", ["init", "--quiet", "--bare", join(root, "git")]);
  git = createGit(join(root, "git"), { PATH: process.env["PATH"] });
});
afterEach(() => {
  process.umask(umask);
  rmSync(root, { recursive: true, force: true });
});

const write = async (
  files: Parameters<typeof commitFiles>[2],
  overwrite: boolean | ReadonlyMap<string, TreeFile> = false,
) => writeTree(git, await listTree(git, await commitFiles(git, ref, files)), to, { overwrite });
const read = (path: string) => readFileSync(join(to, path), "utf8");

it("writes files, modes and links as the commit has them, and leaves nothing else behind", async () => {
  const binary = randomBytes(3_000_000);
  const commit = await commitFiles(git, ref, {
    "a.txt": "a\r\n$Id$\n",
    "d/e/ü \t.bin": binary,
    "run.sh": { executable: "#!/bin/sh\n" },
    link: { link: "../outside" },
    empty: "",
    sub: { submodule: "1".repeat(40) },
    ".gitattributes": "* text=auto filter=lfs ident\n",
  });
  const tree = await listTree(git, commit);
  expect([...tree.keys()].toSorted()).toEqual([
    ".gitattributes",
    "a.txt",
    "d/e/ü \t.bin",
    "empty",
    "link",
    "run.sh",
  ]);
  const { written, kept } = await writeTree(git, tree, to, { overwrite: false });
  expect(written.toSorted()).toEqual([...tree.keys()].toSorted());
  expect(kept).toEqual([]);
  expect(read("a.txt")).toBe("a\r\n$Id$\n");
  expect(readFileSync(join(to, "d/e/ü \t.bin")).equals(binary)).toBe(true);
  expect(readlinkSync(join(to, "link"))).toBe("../outside");
  expect(lstatSync(join(to, "a.txt")).mode & 0o777).toBe(0o644);
  expect(lstatSync(join(to, "run.sh")).mode & 0o777).toBe(0o755);
  expect(lstatSync(join(to, "d/e")).mode & 0o777).toBe(0o755);
  expect(readdirSync(to).toSorted()).toEqual([".gitattributes", "a.txt", "d", "empty", "link", "run.sh"]);
  expect(await findDifferent(git, tree, to, false)).toEqual([]);
});

it("leaves what is there, replaces it, or replaces it only while it is as it was", async () => {
  const before = await listTree(
    git,
    await commitFiles(git, ref, { "a.txt": "old", "b.txt": "old", "c.txt": "same" }),
  );
  await writeTree(git, before, to, { overwrite: false });
  writeFileSync(join(to, "b.txt"), "edited");
  chmodSync(join(to, "a.txt"), 0o600);
  const next = { "a.txt": "new", "b.txt": "new", "c.txt": "same", "d.txt": "new" };
  expect(await findDifferent(git, await listTree(git, await commitFiles(git, ref, next)), to, false)).toEqual(
    ["a.txt", "b.txt", "d.txt"],
  );
  expect(await write(next)).toMatchObject({ written: ["d.txt"], kept: ["a.txt", "b.txt", "c.txt"] });
  expect(await write(next, before)).toMatchObject({ written: ["a.txt"], kept: ["b.txt"] });
  expect([read("a.txt"), read("b.txt")]).toEqual(["new", "edited"]);
  expect(lstatSync(join(to, "a.txt")).mode & 0o777).toBe(0o600);
  expect(await write(next, true)).toMatchObject({ written: ["b.txt"], kept: [] });
  expect(read("b.txt")).toBe("new");
});

it("T8: follows no link and leaves the folder by no name", async () => {
  const outside = join(root, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "file"), "theirs");
  symlinkSync(outside, join(to, "linked"));
  symlinkSync(join(outside, "file"), join(to, "file"));
  symlinkSync(join(outside, "new"), join(to, "dangling"));
  const files = { "linked/file": "x", "linked/deep/new": "x", file: "x", dangling: "x", "ok.txt": "ok" };
  expect(await write(files)).toMatchObject({
    written: ["ok.txt"],
    kept: expect.arrayContaining(["linked/file", "linked/deep/new", "file", "dangling"]),
  });
  expect(await write(files, true)).toMatchObject({
    written: expect.arrayContaining(["file", "dangling"]),
    kept: expect.arrayContaining(["linked/file", "linked/deep/new"]),
  });
  expect(lstatSync(join(to, "file")).isFile()).toBe(true);
  expect(readdirSync(outside)).toEqual(["file"]);
  expect(readFileSync(join(outside, "file"), "utf8")).toBe("theirs");

  const oid = await git.get(["hash-object", "-w", "--stdin"], { input: "x" });
  const bad = [
    "../up",
    "/abs",
    "a/../../up",
    ".git/config",
    "sub/.GIT/hooks/x",
    "git~1/x",
    ".g\u200cit/x",
    "a//b",
    "./a",
    "",
    "nul\0",
    ".git",
  ];
  const entries = new Map(bad.map((path) => [path, { mode: "100644", oid } as const]));
  expect(await writeTree(git, entries, to, { overwrite: true })).toEqual({
    written: [],
    kept: bad,
    pointers: [],
  });
  const as = await writeTree(git, new Map([["a", { mode: "100644", oid }]]), to, {
    overwrite: true,
    as: () => "../up",
  });
  expect(as.kept).toEqual(["../up"]);
  expect(readdirSync(root).toSorted()).toEqual(["git", "outside", "workspace"]);
});

it("T8: stays inside while somebody swaps a folder for a link to elsewhere", async () => {
  const outside = join(root, "outside");
  mkdirSync(outside);
  mkdirSync(join(to, "d"));
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`d/${index}`, "x"]));
  const tree = await listTree(git, await commitFiles(git, ref, files));
  const ended = new AbortController();
  let swaps = 0;
  const swap = async () => {
    while (!ended.signal.aborted) {
      // The writer may make the folder anew in between: then this turn changes nothing.
      attempt(() => renameSync(join(to, "d"), join(to, "was")));
      attempt(() => (symlinkSync(outside, join(to, "d")), (swaps += 1)));
      await new Promise((resolve) => setImmediate(resolve));
      attempt(() => rmSync(join(to, "d"), { recursive: true, force: true }));
      attempt(() => renameSync(join(to, "was"), join(to, "d")));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const swapping = swap();
  for (let turn = 0; turn < 8; turn += 1) await writeTree(git, tree, to, { overwrite: true });
  ended.abort();
  await swapping;
  expect(swaps).toBeGreaterThan(0);
  expect(readdirSync(outside)).toEqual([]);
});

it("names what stands in the way", async () => {
  mkdirSync(join(to, "folder/inner"), { recursive: true });
  writeFileSync(join(to, "plain"), "x");
  execFileSync("mkfifo", [join(to, "pipe")]);
  const result = await write(
    { folder: "x", "plain/below": "x", pipe: "x", ["n".repeat(300)]: "x", fine: "x" },
    true,
  );
  expect(result.written).toEqual(["fine"]);
  expect(result.kept.toSorted()).toEqual(["folder", "n".repeat(300), "pipe", "plain/below"]);
  expect(readdirSync(to).toSorted()).toEqual(["fine", "folder", "pipe", "plain"]);
});

it("holds no large file in memory", async () => {
  const sizeBytes = 90_000_000;
  const commit = await commitFiles(git, ref, { "big.bin": Buffer.alloc(sizeBytes, 7) });
  const tree = await listTree(git, commit);
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers - before)), 1);
  await writeTree(git, tree, to, { overwrite: false });
  clearInterval(watch);
  expect(lstatSync(join(to, "big.bin")).size).toBe(sizeBytes);
  expect(most).toBeLessThan(sizeBytes / 2);
});

it("stops when it is told to, leaving whole files only", async () => {
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}`, "content"]));
  const tree = await listTree(git, await commitFiles(git, ref, files));
  const controller = new AbortController();
  const writing = writeTree(git, tree, to, { overwrite: false, signal: controller.signal });
  while (!existsSync(join(to, "f0"))) await new Promise((resolve) => setImmediate(resolve));
  controller.abort(new Error("enough"));
  await expect(writing).rejects.toThrow("enough");
  const there = readdirSync(to);
  expect(there.length).toBeLessThan(300);
  for (const name of there) expect(read(name)).toBe("content");
});

it("removes only what is as it was saved, with the folders that become empty", async () => {
  const tree = await listTree(
    git,
    await commitFiles(git, ref, { "d/e/a": "1", "d/b": "1", "f/c": "1", "l/x": "1" }),
  );
  await writeTree(git, tree, to, { overwrite: false });
  writeFileSync(join(to, "d/b"), "edited");
  renameSync(join(to, "l"), join(root, "l"));
  symlinkSync(join(root, "l"), join(to, "l"));
  const { removed, kept } = await removeFiles(git, tree, to, false);
  expect(removed).toEqual(["d/e/a", "f/c"]);
  expect(kept).toEqual(["d/b", "l/x"]);
  expect(readdirSync(to)).toEqual(["d", "l"]);
  expect(readdirSync(join(to, "d"))).toEqual(["b"]);
  expect(existsSync(join(root, "l/x"))).toBe(true);
});

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // somebody else was faster
  }
}
