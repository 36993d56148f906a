// Files are read whole or not at all, under the name that git gives them, without following or blocking on anything.
import { spawnSync } from "node:child_process";
import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { heldBytes, readLink, readStable, sendFile } from "./read-stable.ts";
import { stampOf } from "./stamp.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-read-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const options = { maxBytes: 10 * heldBytes, secrets: [], room: Buffer.alloc(1_000) };
const nameByGit = (path: string) =>
  spawnSync("git", ["hash-object", "--no-filters", path], { encoding: "utf8" }).stdout.trim();

test.each([0, 1, 1_000, 1_001, heldBytes, heldBytes + 1, 3 * heldBytes + 17])(
  "a file of %i bytes",
  async (size) => {
    const content = Buffer.alloc(size, "0123456789\n");
    writeFileSync(at("file"), content);
    const read = await readStable(at("file"), options);
    expect(read).toMatchObject({
      kind: "read",
      oid: nameByGit(at("file")),
      size,
      changed: false,
      stamp: stampOf(lstatSync(at("file"))),
    });
    if (read.kind !== "read") return;
    expect(read.content === undefined).toBe(size > heldBytes);
    if (read.content) return void expect(read.content.equals(content)).toBe(true);
    const pieces: Buffer[] = [];
    const send = (piece: Uint8Array) => Promise.resolve(void pieces.push(Buffer.from(piece)));
    expect(await sendFile(at("file"), read, send)).toBe(true);
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
  },
);

test("one that became shorter, longer, different or vanished before it was sent: as many bytes, and told", async () => {
  const oid = (writeFileSync(at("sent"), Buffer.alloc(5_000, "x")), nameByGit(at("sent")));
  const changes: (() => void)[] = [
    () => writeFileSync(at("sent"), Buffer.alloc(4_000, "x")),
    () => writeFileSync(at("sent"), Buffer.alloc(5_000, "y")),
    () => writeFileSync(at("sent"), ""),
    () => rmSync(at("sent")),
  ];
  for (const change of changes) {
    change();
    let sent = 0;
    const same = await sendFile(at("sent"), { size: 5_000, oid }, (piece) =>
      Promise.resolve(void (sent += piece.length)),
    );
    expect([same, sent]).toEqual([false, 5_000]);
  }
  writeFileSync(at("sent"), Buffer.alloc(6_000, "x")); // grown: what was promised is still its beginning
  expect(await sendFile(at("sent"), { size: 5_000, oid }, () => Promise.resolve())).toBe(true);
});

test("links, pipes, folders and nothing at all are no files; a long one is told", async () => {
  symlinkSync("file", at("link"));
  spawnSync("mkfifo", [at("pipe")]);
  for (const name of ["link", "pipe", ".", "missing", "file/below"])
    expect([name, (await readStable(at(name), options)).kind]).toEqual([name, "gone"]);
  writeFileSync(at("long"), Buffer.alloc(101));
  expect(await readStable(at("long"), { ...options, maxBytes: 100 })).toMatchObject({
    kind: "large",
    size: 101,
  });
  expect(readLink(at("link"))).toMatchObject({ content: Buffer.from("file") });
  expect(readLink(at("long"))).toBeUndefined();
});
