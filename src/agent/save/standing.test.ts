// How far the saves are: kept whole, and a damaged file is none.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadStanding, saveStanding, type Standing } from "./standing.ts";

const none: Standing = {
  remote: null,
  meeting: null,
  branch: null,
  beside: null,
  behind: false,
  savedAt: null,
  owedSince: null,
  refused: [],
};
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "sesta-standing-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test("what is kept is found again", async () => {
  const standing: Standing = {
    remote: "https://example.org/a.git main",
    meeting: null,
    branch: "sesta/lab/2030-01-01",
    beside: "main",
    behind: true,
    savedAt: 1,
    owedSince: 2,
    refused: ["big.bin"],
  };
  await saveStanding(folder, standing);
  expect(await loadStanding(folder)).toEqual(standing);
});

test("without a file nothing is known", async () => {
  expect(await loadStanding(folder)).toEqual(none);
});

test.each([
  ["empty", ""],
  ["cut off", '{"remote":"https://exam'],
  ["a list", "[1]"],
  ["null", "null"],
  ["of zeros", "\0\0\0\0"],
  [
    "of wrong types",
    '{"remote":1,"branch":{},"beside":[],"savedAt":"today","owedSince":true,"refused":"big.bin"}',
  ],
  ["with a wrong list", '{"refused":[1,null]}'],
])("a damaged file is none: %s", async (_, text) => {
  writeFileSync(join(folder, "standing.json"), text);
  expect(await loadStanding(folder)).toEqual(none);
});
