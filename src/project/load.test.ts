// Reading sesta.yaml from disk: what is there, what is not, what cannot be read; and finding it from below.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findProjectFolder } from "./find.ts";
import { loadProject } from "./load.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sesta-load-"));
  file = join(folder, "sesta.yaml");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a good file loads, with its folder made absolute", async () => {
  writeFileSync(file, "name: demo\n");
  expect(await loadProject(folder)).toMatchObject({ name: "demo", folder });
});

test("a missing file says how to make one", async () => {
  await expect(loadProject(folder)).rejects.toMatchObject({
    code: "PROJECT_MISSING",
    hint: expect.stringContaining("sesta init"),
  });
  await expect(loadProject(join(folder, "none"))).rejects.toMatchObject({ code: "PROJECT_MISSING" });
  writeFileSync(file, "name: demo\n");
  await expect(loadProject(file)).rejects.toMatchObject({ code: "PROJECT_MISSING" });
});

test("a folder, a pipe and a device in its place are refused at once", async () => {
  mkdirSync(file);
  await expect(loadProject(folder)).rejects.toMatchObject({
    code: "PROJECT_UNREADABLE",
    message: expect.stringContaining("a folder"),
  });
  rmSync(file, { recursive: true });
  execFileSync("mkfifo", [file]);
  await expect(loadProject(folder)).rejects.toMatchObject({ code: "PROJECT_UNREADABLE" });
  rmSync(file);
  symlinkSync("/dev/zero", file);
  await expect(loadProject(folder)).rejects.toMatchObject({ code: "PROJECT_UNREADABLE" });
  rmSync(file);
  symlinkSync("sesta.yaml", file);
  await expect(loadProject(folder)).rejects.toMatchObject({ code: "PROJECT_UNREADABLE" });
});

test("T10: more than 1 MB is refused unread, also a file of 1 GB", async () => {
  writeFileSync(file, `name: demo\n#${"x".repeat(1_000_000)}\n`);
  await expect(loadProject(folder)).rejects.toMatchObject({
    code: "PROJECT_UNREADABLE",
    message: expect.stringContaining("1 MB"),
  });
  truncateSync(file, 1_000_000_000);
  await expect(loadProject(folder)).rejects.toMatchObject({ code: "PROJECT_UNREADABLE" });
});

test.skipIf(process.getuid?.() === 0)(
  "a file without permission is refused (skipped as root, who may read all)",
  async () => {
    writeFileSync(file, "name: demo\n");
    chmodSync(file, 0o000);
    await expect(loadProject(folder)).rejects.toMatchObject({ code: "PROJECT_UNREADABLE" });
  },
);

test("the project of a folder is the nearest one above it", async () => {
  const inner = join(folder, "a/b/c");
  mkdirSync(inner, { recursive: true });
  expect(await findProjectFolder(inner)).not.toBe(folder);
  writeFileSync(file, "");
  expect(await findProjectFolder(inner)).toBe(folder);
  expect(await findProjectFolder(folder)).toBe(folder);
  writeFileSync(join(folder, "a/sesta.yaml"), "");
  expect(await findProjectFolder(inner)).toBe(join(folder, "a"));
});

test.skipIf(process.getuid?.() !== 0)(
  "another user's file above does not count (skipped unless root, who can make one)",
  async () => {
    const inner = join(folder, "mine");
    mkdirSync(inner);
    writeFileSync(file, "name: evil\n");
    execFileSync("chown", ["12345", file]);
    expect(await findProjectFolder(inner)).not.toBe(folder);
    expect(await findProjectFolder(folder)).toBe(folder);
  },
);
