// What is known of the saves of one workload comes back as it was, all of a change or nothing, and anew when damaged.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openSaveState, type SavedFile } from "./save-state.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-save-state-"));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;
const newPath = () => join(folder, `${(count += 1)}`, "state.db");
const file = (oid: string, held = false): SavedFile => ({ mode: "100644", oid, stamp: `1 ${oid}`, held });

test("files, their commit and facts are there after it was closed", () => {
  const path = newPath();
  const state = openSaveState(path);
  expect([state.files().size, state.findCommit(), state.findFact("x")]).toEqual([0, undefined, undefined]);
  state.keep({
    commit: "c1",
    write: [
      ["a", file("1")],
      ["b/ü\n", file("2", true)],
      ["c", file("3")],
    ],
    remove: [],
  });
  state.keep({ commit: "c2", write: [["a", file("4")]], remove: ["c", "unknown"] });
  state.setFact("x", "1");
  state.setFact("y", "2");
  state.setFact("y", null);
  state.close();
  const again = openSaveState(path);
  expect([...again.files()]).toEqual([
    ["a", file("4")],
    ["b/ü\n", file("2", true)],
  ]);
  expect([again.findCommit(), again.findFact("x"), again.findFact("y")]).toEqual(["c2", "1", undefined]);
  again.keep({ commit: null, write: [["z", file("9")]], remove: [], anew: true });
  expect([[...again.files().keys()], again.findCommit(), again.findFact("x")]).toEqual([
    ["z"],
    undefined,
    "1",
  ]);
  again.close();
});

test("F6: a change that fails in the middle is none", () => {
  const state = openSaveState(newPath());
  state.keep({ commit: "c1", write: [["a", file("1")]], remove: [] });
  function* failing(): Generator<readonly [string, SavedFile]> {
    yield ["b", file("2")];
    throw new Error("in the middle");
  }
  expect(() => state.keep({ commit: "c2", write: failing(), remove: ["a"] })).toThrow("in the middle");
  expect([[...state.files().keys()], state.findCommit()]).toEqual([["a"], "c1"]);
  state.close();
});

test("F23: a damaged one is put aside and begun anew", () => {
  const path = newPath();
  openSaveState(path).close();
  writeFileSync(path, "not a database at all, but long enough to be taken for one ".repeat(10));
  const state = openSaveState(path);
  expect([state.files().size, existsSync(`${path}.damaged`)]).toEqual([0, true]);
  state.close();
});
