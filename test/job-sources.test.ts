// The script that brings a job's repository to a machine, by itself: hostile names, several at once, and a broken copy.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { root } from "./support/source-files.ts";

let folder: string;
let repository: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sesta sources' "));
  repository = join(folder, "theirs");
  mkdirSync(repository);
  git("init", "-q", "-b", "main");
  commit("first");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const git = (...argv: string[]) =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...argv], {
    cwd: repository,
    encoding: "utf8",
  }).trim();
function commit(text: string): string {
  writeFileSync(join(repository, "f"), text);
  git("add", "-A");
  git("commit", "-qm", text);
  return git("rev-parse", "HEAD");
}
const mirror = () => join(folder, "cache", "mirror");
function run(what: string, ...operands: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(
    "sh",
    [join(root, "src/machine/setup/sources.sh"), what, mirror(), repository, ...operands],
    {
      env: { ...process.env, HOME: folder },
    },
  );
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  return new Promise((resolve) =>
    child.once("close", (code) => resolve({ code: code ?? 128, out: out.trim(), err })),
  );
}
async function take(commitId: string, name: string): Promise<string> {
  const { code, err } = await run("take", commitId, join(folder, "trees", name));
  expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
  return readFileSync(join(folder, "trees", name, "tree", "f"), "utf8");
}

test("a branch, a tag, one that names another object, and the beginning of a commit are found", async () => {
  const first = git("rev-parse", "HEAD");
  git("tag", "plain");
  git("tag", "-a", "annotated", "-m", "x");
  git("branch", "we'ird;$(pwned)");
  const second = commit("second");
  git("tag", "main"); // a branch goes before a tag of its name
  commit("third");
  const third = git("rev-parse", "refs/heads/main");
  const found = async (ref: string) => (await run("find", ref)).out;
  expect(
    await Promise.all(
      ["", "main", "plain", "annotated", "we'ird;$(pwned)", second, second.slice(0, 9)].map(found),
    ),
  ).toEqual([third, third, first, first, first, second, second]);
  for (const ref of ["none", "ma*", "feedbeef"]) {
    expect(await run("find", ref)).toMatchObject({ code: 6, err: expect.stringContaining(ref) as string });
  }
});

test("four at once, then four more after a new commit: each has its tree", async () => {
  const first = git("rev-parse", "HEAD");
  expect(await Promise.all([1, 2, 3, 4].map((n) => take(first, `a${n}`)))).toEqual(Array(4).fill("first"));
  const second = commit("second");
  expect(await Promise.all([1, 2, 3, 4].map((n) => take(second, `b${n}`)))).toEqual(Array(4).fill("second"));
  expect(readdirSync(join(folder, "trees")).length).toBe(8);
});

test("the same tree twice at once is one tree", async () => {
  const first = git("rev-parse", "HEAD");
  await take(first, "warm");
  await Promise.all([1, 2, 3].map(() => take(first, "same")));
  expect(readdirSync(join(folder, "trees/same")).toSorted()).toEqual(["complete", "tree"]);
});

test("a copy that a killed git left locked, or that lost bytes, is made anew", async () => {
  const first = git("rev-parse", "HEAD");
  await take(first, "a");
  writeFileSync(join(mirror(), "packed-refs.lock"), "");
  for (const name of ["main"]) {
    mkdirSync(join(mirror(), "refs/heads"), { recursive: true });
    writeFileSync(join(mirror(), "refs/heads", `${name}.lock`), "");
  }
  const second = commit("second");
  expect(await take(second, "b")).toBe("second");
  for (const path of readdirSync(join(mirror(), "objects"), { recursive: true }).map(String)) {
    if (!/\/[0-9a-f]{38}$|\.pack$/.test(path)) continue;
    // Not cut: git has linked it to that of the repository itself.
    rmSync(join(mirror(), "objects", path));
    writeFileSync(join(mirror(), "objects", path), "abc");
  }
  expect(await take(second, "c")).toBe("second");
  expect(readdirSync(join(folder, "cache"))).toEqual(["mirror"]);
});

test("an address that gives nothing keeps the copy that there is", async () => {
  const first = git("rev-parse", "HEAD");
  await take(first, "a");
  rmSync(repository, { recursive: true });
  expect((await run("find", "main")).code).toBe(5);
  expect((await run("take", "0".repeat(40), join(folder, "trees/b"))).code).toBe(5);
  expect(await take(first, "c")).toBe("first");
});
