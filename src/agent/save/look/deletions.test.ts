// Many files that vanish are held; few, moved ones and those that were confirmed are not.
import { expect, test } from "vitest";
import { createFakeClock } from "../../../../test/support/fake-clock.ts";
import { createDeletions, describeHeld } from "./deletions.ts";

const file = (oid: string, held = false) => ({ mode: "100644", oid, stamp: "", held });
const ten = new Map(Array.from({ length: 10 }, (_, index) => [`${index}`, file(`oid ${index}`)]));
const firsts = (count: number) => [...ten.keys()].slice(0, count);

test("F12: half of the files may go, one more is too many", () => {
  const deletions = createDeletions(createFakeClock());
  expect(deletions.judge(ten, firsts(5), [])).toEqual({ remove: new Set(firsts(5)), hold: [], lost: 5 });
  expect(deletions.judge(ten, firsts(6), [])).toEqual({ remove: new Set(), hold: firsts(6), lost: 0 });
});

test("F12: the only file may go", () => {
  const one = new Map([["a", file("oid")]]);
  expect(createDeletions(createFakeClock()).judge(one, ["a"], [])).toMatchObject({ lost: 1, hold: [] });
});

test("F12: what is elsewhere in the next save is not lost; it goes also when the rest is held", () => {
  const deletions = createDeletions(createFakeClock());
  expect(deletions.judge(ten, firsts(10), ["oid 0", "oid 1"])).toEqual({
    remove: new Set(["0", "1"]),
    hold: firsts(10).slice(2),
    lost: 0,
  });
});

test("F12: the deletions of a minute count together once they are saved, and no longer", async () => {
  const clock = createFakeClock();
  const deletions = createDeletions(clock);
  const left = new Map([...ten].slice(3));
  deletions.judge(ten, firsts(3), []);
  expect(deletions.judge(left, ["3", "4", "5"], []).hold).toEqual([]); // the first three were not saved
  deletions.count(3);
  expect(deletions.judge(left, ["3", "4", "5"], []).hold).toEqual(["3", "4", "5"]);
  await clock.advance(61_000);
  expect(deletions.judge(left, ["3", "4", "5"], []).hold).toEqual([]);
});

test("F12: what is held stays so, does not count, and is told", () => {
  const files = new Map([
    ["a", file("1", true)],
    ["b", file("2")],
    ["c", file("3")],
  ]);
  const judged = createDeletions(createFakeClock()).judge(files, ["a", "b"], []);
  expect(judged).toEqual({ remove: new Set(["b"]), hold: [], lost: 1 });
  expect(describeHeld(files)).toMatchObject({ gone: 1, of: 3 });
  expect(describeHeld(ten)).toBeNull();
});
