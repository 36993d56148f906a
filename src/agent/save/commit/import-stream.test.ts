// A commit through fast-import: exactly what was given, one ref, nothing without its end.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { workRef } from "../../../commands/git.ts";
import { createGit } from "../git.ts";
import { createImport } from "./import-stream.ts";
import { nameBlob } from "../look/read-stable.ts";
import { openRepository, readTree, tidyRepository } from "./repository.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-import-"));
afterAll(() => rmSync(folder, { recursive: true }));
const git = createGit(join(folder, "git"), process.env);
await openRepository(git);
const author = { name: "A <b>\nc", email: "a@b" };
const at = 1_700_000_000_999;
const base = { ref: workRef, author, at, message: "Größe\n", remove: [] };
const content = (text: string) => ({ oid: nameBlob(Buffer.from(text)), bytes: Buffer.from(text) });

let tip: string | null = null;
test("paths of every kind, with content that was sent and content that is there", async () => {
  const one = content("one");
  const write = new Map(
    ['a "b" \\c\n\td', " lead", "trail ", "ü/é", "x/-y"].map((path) => [
      path,
      { mode: "100755", oid: one.oid },
    ]),
  );
  const stream = createImport(git);
  await stream.blob(one.oid, one.bytes);
  tip = await stream.commit({ ...base, from: tip, write });
  expect(await readTree(git, tip)).toEqual(write);
  expect(await git.get(["log", "-1", "--format=%an|%ae|%ct|%B", workRef])).toBe(
    `A  b  c|a@b|1700000000|Größe\n\n`.trimEnd() + "\n",
  );
  const second = createImport(git);
  const next = await second.commit({
    ...base,
    from: tip,
    remove: [" lead", "x/-y"],
    write: new Map([["z", { mode: "100644", oid: one.oid }]]),
  });
  expect([...(await readTree(git, next)).keys()]).toEqual(['a "b" \\c\n\td', "trail ", "z", "ü/é"]);
  tip = next;
});

test("without its end nothing comes of it; what was sent wrongly is not referred to", async () => {
  const stream = createImport(git);
  await stream.blob(nameBlob(Buffer.from("lost")), Buffer.from("lost"));
  await stream.abort();
  expect(await git.get(["rev-parse", workRef])).toBe(tip);
  const other = createImport(git);
  const wanted = content("x".repeat(10));
  expect(await other.longBlob(wanted.oid, 10, async (send) => (await send(Buffer.alloc(10)), false))).toBe(
    false,
  );
  expect(other.has(wanted.oid)).toBe(false);
  await other.abort();
});

test("a ref that moved meanwhile stays where it is", async () => {
  const stream = createImport(git);
  await expect(stream.commit({ ...base, from: null, write: new Map() })).rejects.toMatchObject({
    code: "COMMAND_FAILED",
  });
  expect(await git.get(["rev-parse", workRef])).toBe(tip);
});

test(
  "when there are many objects they are put together, and all of them stay",
  { timeout: 120_000 },
  async () => {
    const blobs = Array.from(
      { length: 2_700 },
      (_, index) => `blob\nmark :${index + 1}\ndata 4\n${1_000 + index}\n`,
    );
    const files = blobs.map((_, index) => `M 100644 :${index + 1} many/${index}\n`);
    const commit = `commit ${workRef}\ncommitter A <a@b> 1700000001 +0000\ndata 0\nfrom ${tip}\n${files.join("")}\ndone\n`;
    const quick = ["-c", "core.fsync=none", "-c", "fastimport.unpackLimit=100000"];
    await git.get([...quick, "fast-import", "--done", "--quiet"], { input: blobs.join("") + commit });
    const loose = async () => Number(/^count: (\d+)/m.exec(await git.get(["count-objects", "-v"]))?.[1]);
    expect(await loose()).toBeGreaterThan(2_400);
    await tidyRepository(git, AbortSignal.abort()); // ended at once: nothing is lost
    expect(await git.run(["fsck", "--full", "--no-dangling"])).toMatchObject({ exitCode: 0, stdout: "" });
    await tidyRepository(git, new AbortController().signal);
    expect(await loose()).toBeLessThan(100);
    expect(await git.run(["fsck", "--full", "--no-dangling"])).toMatchObject({ exitCode: 0, stdout: "" });
    expect(
      readdirSync(join(git.folder, "objects", "pack")).filter((name) => name.startsWith("tmp_")),
    ).toEqual([]);
  },
);
