// Only what the scan really shows to be gone is gone.
import { expect, test } from "vitest";
import { findGone, findInTheWay, findLost } from "./gone.ts";
import { createIgnoreRules, rootJudged } from "./ignore-rules.ts";
import type { Scanned } from "./scan.ts";

const file = (oid: string, stamp = "1") => ({ mode: "100644", oid, stamp, held: false });
const folder = { id: "1:1", above: rootJudged, judged: rootJudged, ignoreStamp: "" };
const rules = createIgnoreRules({ include: [], exclude: ["*.log"] });

function scan(listed: Record<string, string[]>, walked: string[] = []): Scanned {
  return {
    listed: new Map(Object.entries(listed).map(([path, names]) => [path, new Set(names)])),
    candidates: new Map(),
    folders: new Map([...Object.keys(listed), ...walked].map((path) => [path, folder])),
    asides: [],
  };
}

test("what a listed folder does not hold is gone, and so is what lay in a folder that is gone", () => {
  const files = new Map([
    ["a.txt", file("1")],
    ["b.txt", file("2")],
    ["in/c.txt", file("3")],
    ["in/deep/d.txt", file("4")],
  ]);
  expect(findGone(files, scan({ "": ["a.txt"] }), new Set(), rules)).toEqual([
    "b.txt",
    "in/c.txt",
    "in/deep/d.txt",
  ]);
});

test("what was not looked at, or could not be, is not gone", () => {
  const files = new Map([
    ["far/a.txt", file("1")],
    ["locked/b.txt", file("2")],
    ["locked/deep/c.txt", file("3")],
    ["d.txt", file("4")],
  ]);
  expect(findGone(files, scan({ "": [] }, ["far"]), new Set(["locked", "d.txt"]), rules)).toEqual([]);
  expect(findGone(files, scan({}), new Set(), rules)).toEqual([]);
});

test("a file of an adopted commit that is ignored here stays; one that Sesta saved goes", () => {
  const files = new Map([
    ["theirs.log", file("1", "")],
    ["ours.log", file("2")],
  ]);
  expect(findGone(files, scan({ "": [] }), new Set(), rules)).toEqual(["ours.log"]);
});

test("lost is what no other file holds", () => {
  const files = new Map([
    ["a", file("1")],
    ["b", file("1")],
    ["c", file("2")],
    ["d", file("3")],
  ]);
  expect(findLost(files, ["a", "c", "d"], ["3"])).toEqual(["c"]);
  expect(findLost(files, ["a", "b"], [])).toEqual(["a", "b"]);
});

test("a file and a folder of the same name do not go together", () => {
  const files = new Map([
    ["a", file("1")],
    ["b/c", file("2")],
    ["b.txt", file("3")],
  ]);
  expect(findInTheWay(files, ["a/x"], new Set())).toEqual(["a"]);
  expect(findInTheWay(files, ["b"], new Set())).toEqual(["b/c"]);
  expect(findInTheWay(files, ["b"], new Set(["b/c"]))).toEqual([]);
  expect(findInTheWay(files, ["a"], new Set())).toEqual([]);
});
