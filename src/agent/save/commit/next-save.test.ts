// What is written, removed and remembered never disagree.
import { expect, test } from "vitest";
import { buildNextSave } from "./next-save.ts";

const file = (oid: string, stamp = "1") => ({ mode: "100644", oid, stamp, held: false });
const files = new Map([
  ["a", file("1")],
  ["b", file("2")],
  ["c/d", file("3")],
]);

test("what is written wins over what is only looked at; what is held is remembered as that", () => {
  const next = buildNextSave(
    files,
    { write: new Map([["a", file("9")]]), touch: new Map([["b", file("2", "2")]]) },
    [],
    ["c/d"],
  );
  expect(next.remove).toEqual(new Set());
  expect(Object.fromEntries(next.rows)).toEqual({
    a: file("9"),
    b: file("2", "2"),
    "c/d": { ...file("3"), held: true },
  });
});

test("what stands in the way goes, even if it was to be held", () => {
  const next = buildNextSave(files, { write: new Map([["c", file("9")]]), touch: new Map() }, ["a"], ["c/d"]);
  expect(next.remove).toEqual(new Set(["a", "c/d"]));
  expect([...next.rows.keys()]).toEqual(["c"]);
});
