// T15: what a hostile tar sends: only regular files that were asked for arrive, and only where they belong.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { pack } from "tar-stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Process } from "../machine.ts";
import type { Listing } from "./list.ts";
import { placeFile } from "./place.ts";
import { bringByTar } from "./tar.ts";

let folder: string;
let staging: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sesta-tar-"));
  staging = join(folder, "into", "staging");
  mkdirSync(staging, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Part = {
  name: string;
  type?: "file" | "symlink" | "link" | "directory" | "fifo";
  linkname?: string;
  content?: string;
};

/** A machine whose tar sends this, whatever it was asked for. */
async function bring(parts: readonly Part[], asked: readonly string[]): Promise<void> {
  const archive = pack();
  for (const { content = "", ...header } of parts)
    archive.entry({ ...header, size: content.length }, content);
  archive.finalize();
  const stdout = new PassThrough();
  archive.pipe(stdout as never);
  const process: Process = {
    stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
    stdout,
    stderr: PassThrough.from([]),
    ended: Promise.resolve({ exitCode: 0 }),
    stop: () => undefined,
  };
  const files = asked.map((path) => ({ path, bytes: 4, modifiedS: 1 }));
  const listing: Listing = { files, bytes: 4, skipped: [], missing: [], rsync: "", tar: "list" };
  const machine = { name: "box", open: async () => process };
  await bringByTar(machine, "/from", listing, staging, {
    signal: new AbortController().signal,
    onBytes: () => undefined,
  });
}

test("T8: names that lead out, or were never asked for", async () => {
  const evil = [
    "../evil",
    "/evil",
    "a/../../evil",
    "./../evil",
    "other",
    `${folder}/evil`,
    "a/b/../../../evil",
  ];
  await bring(
    [...evil.map((name) => ({ name, content: "evil" })), { name: "./a/b", content: "good" }],
    ["a/b"],
  );
  expect(readdirSync(folder)).toEqual(["into"]);
  expect(readdirSync(join(folder, "into"))).toEqual(["staging"]);
  expect(readdirSync(staging)).toEqual(["a"]);
  expect(readFileSync(join(staging, "a", "b"), "utf8")).toBe("good");
});

test("T15: links, and files by way of them", async () => {
  const parts: Part[] = [
    { name: "a", type: "symlink", linkname: folder },
    { name: "a/b", content: "good" },
    { name: "c", type: "link", linkname: "/etc/passwd" },
    { name: "d", type: "symlink", linkname: "/etc/passwd" },
    { name: "d", content: "good" },
    { name: "e", type: "fifo" },
  ];
  await bring(parts, ["a/b", "c", "d", "e"]);
  expect(existsSync(join(folder, "b"))).toBe(false);
  expect(readdirSync(staging).toSorted()).toEqual(["a", "d"]);
  expect(await placeFile(staging, join(folder, "into"), "a/b")).toBeUndefined();
  expect(await placeFile(staging, join(folder, "into"), "c")).toMatch(/went away/);
});

test("a stream that is no tar is TRANSFER", async () => {
  const stdout = new PassThrough();
  stdout.end("x".repeat(2_000));
  const process = {
    stdin: new PassThrough(),
    stdout,
    stderr: PassThrough.from([]),
    ended: Promise.resolve({ exitCode: 0 }),
    stop: () => undefined,
  };
  const listing: Listing = {
    files: [{ path: "a", bytes: 1, modifiedS: 1 }],
    bytes: 1,
    skipped: [],
    missing: [],
    rsync: "",
    tar: "list",
  };
  const options = { signal: new AbortController().signal, onBytes: () => undefined };
  const bringing = bringByTar({ name: "box", open: async () => process }, "/from", listing, staging, options);
  await expect(bringing).rejects.toMatchObject({ code: "TRANSFER" });
});
