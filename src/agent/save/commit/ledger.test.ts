// What is known of the newest save is right after any end of the process.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../../base/log.ts";
import { openSaveState } from "../../../state/save-state.ts";
import { createGit } from "../git.ts";
import { createImport } from "./import-stream.ts";
import { carryOver, createLedger } from "./ledger.ts";
import { nameBlob } from "../look/read-stable.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "sesta-ledger-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const content = Buffer.from("content");
const file = { mode: "100644", oid: nameBlob(content), stamp: "1", held: false };
const many = new Map(Array.from({ length: 2_500 }, (_, index) => [`file-${index}`, file] as const));
const create = () =>
  createLedger({ git: createGit(join(folder, "git"), process.env), folder, log: silentLog });

async function commitMany(): Promise<string> {
  const stream = createImport(createGit(join(folder, "git"), process.env));
  await stream.blob(file.oid, content);
  const author = { name: "Ada", email: "ada@example.org" };
  return stream.commit({
    ref: "refs/sesta/work",
    from: null,
    author,
    at: 0,
    message: "many",
    remove: [],
    write: many,
  });
}

test("many rows, written in slices, are all there again", async () => {
  const ledger = create();
  await ledger.open();
  await ledger.record(await commitMany(), many, new Set());
  ledger.close();
  const again = create();
  await again.open();
  expect(again.files()).toEqual(new Map([...many].toSorted(([one], [other]) => (one < other ? -1 : 1))));
  expect(again.isKnown("file-7", "1")).toBe(true);
  again.close();
});

test("F7: an end between two slices: everything is known from the commit, stamps as far as they were written", async () => {
  const ledger = create();
  await ledger.open();
  const commit = await commitMany();
  const half = ledger.record(commit, many, new Set()); // the first slice is written at once
  ledger.close();
  await half; // the second is refused, which is logged
  const state = openSaveState(join(folder, "state.db"));
  expect([state.findCommit(), state.files().size]).toEqual([undefined, 1_000]);
  state.close();
  const again = create();
  await again.open();
  expect(again.tip()).toBe(commit);
  expect([again.files().size, again.isKnown("file-7", "1"), again.isKnown("file-2000", "1")]).toEqual([
    2_500,
    true,
    false,
  ]);
  again.close();
});

test("of another commit only what has the same content is known as it was on disk", () => {
  const before = new Map([
    ["same", { ...file, held: true }],
    ["other", { ...file, oid: "0" }],
    ["mode", { ...file, mode: "100755" }],
    ["gone", file],
  ]);
  const { mode, oid } = file;
  const tree = new Map(["same", "other", "mode", "new"].map((path) => [path, { mode, oid }]));
  expect(Object.fromEntries(carryOver(before, tree))).toEqual({
    same: file,
    other: { ...file, stamp: "" },
    mode: { ...file, stamp: "" },
    new: { ...file, stamp: "" },
  });
});
