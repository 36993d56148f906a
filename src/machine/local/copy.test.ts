// T8: what took the place of a file or of a folder after the listing is not read.
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bringByCopy } from "./copy.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sesta-copy-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("links in place of files and folders, a pipe, a folder, and what has gone", async () => {
  for (const path of ["outside/deep", "there/in/deep", "there/folder", "staging"])
    mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, "outside", "deep", "secret"), "secret");
  writeFileSync(join(folder, "there", "in", "deep", "file"), "1234");
  symlinkSync(join(folder, "outside"), join(folder, "there", "out"));
  symlinkSync(join(folder, "outside", "deep", "secret"), join(folder, "there", "link"));
  symlinkSync(join(folder, "there"), join(folder, "name"));
  execFileSync("mkfifo", [join(folder, "there", "pipe")]);
  const asked = ["out/deep/secret", "link", "pipe", "folder", "gone/file", "in/deep/file"];
  const files = asked.map((path) => ({ path, bytes: 4, modifiedS: 1 }));
  const listing = { files, bytes: 24, skipped: [], missing: [], rsync: "", tar: "list" as const };
  const seen: number[] = [];
  await bringByCopy(join(folder, "name"))(listing, join(folder, "staging"), {
    signal: new AbortController().signal,
    onBytes: (bytes) => seen.push(bytes),
  });
  const brought = readdirSync(join(folder, "staging"), { recursive: true, withFileTypes: true });
  expect(brought.filter((entry) => !entry.isDirectory()).map(({ name }) => name)).toEqual(["file"]);
  expect(readFileSync(join(folder, "staging", "in", "deep", "file"), "utf8")).toBe("1234");
  expect(seen).toEqual([4]);
});
