// Two sides of a workspace brought together by file: nothing of either is lost.
import fc from "fast-check";
import { expect, it } from "vitest";
import { compareTrees, type Files } from "./compare.ts";
import type { TreeFile } from "./saved-file.ts";

const file = (oid: string): TreeFile => ({ mode: "100644", oid });
const tree = (files: Record<string, string>): Files =>
  new Map(Object.entries(files).map(([path, oid]) => [path, file(oid)]));

it("takes what only one side changed, and puts theirs beside where both did", () => {
  const base = tree({
    "same.txt": "0",
    "ours.txt": "0",
    "theirs.txt": "0",
    "both.ipynb": "0",
    "alike.txt": "0",
    "they-deleted.txt": "0",
    "we-deleted.txt": "0",
  });
  const ours = tree({
    "same.txt": "0",
    "ours.txt": "1",
    "theirs.txt": "0",
    "both.ipynb": "1",
    "alike.txt": "2",
    "they-deleted.txt": "0",
    "new.txt": "1",
  });
  const theirs = tree({
    "same.txt": "0",
    "ours.txt": "0",
    "theirs.txt": "2",
    "both.ipynb": "2",
    "alike.txt": "2",
    "we-deleted.txt": "0",
    "d/their-new.txt": "2",
  });
  const result = compareTrees(base, ours, theirs, "sesta/lab/2030-01-01");
  expect(result.ours).toEqual(["new.txt", "ours.txt", "we-deleted.txt"]);
  expect(result.theirs).toEqual(["d/their-new.txt", "theirs.txt", "they-deleted.txt"]);
  expect(result.both).toEqual([{ path: "both.ipynb", theirsAs: "both.sesta-lab-2030-01-01.ipynb" }]);
  expect([...result.write.keys()]).toEqual(["d/their-new.txt", "theirs.txt"]);
  expect([...result.remove]).toEqual([["they-deleted.txt", file("0")]]);
});

it("lets a change win over a deletion", () => {
  const base = tree({ a: "0", b: "0" });
  const result = compareTrees(base, tree({ a: "1" }), tree({ b: "2" }), "main");
  expect(result).toMatchObject({ ours: ["a"], theirs: ["b"], both: [] });
  expect([...result.write]).toEqual([["b", file("2")]]);
  expect(result.remove.size).toBe(0);
});

it("finds a free name, also where a file meets a folder", () => {
  const ours = tree({ "a.md": "1", "a.main.md": "1", ".env": "1", d: "1", "e/x": "1" });
  const theirs = tree({ "a.md": "2", ".env": "2", "d/one": "2", "d/two": "2", e: "2" });
  const result = compareTrees(new Map(), ours, theirs, "main", (path) => path === "a.main-2.md");
  expect(result.both).toEqual([
    { path: ".env", theirsAs: ".env.main" },
    { path: "a.md", theirsAs: "a.main-3.md" },
    { path: "d/one", theirsAs: "d.main/one" },
    { path: "d/two", theirsAs: "d.main/two" },
    { path: "e", theirsAs: "e.main" },
  ]);
});

const name = fc.constantFrom("a", "b", "a.main", "b.txt", "d/a", "d/b", "d/e/a", "d", "a/x", "b.main.txt");
const someTree = fc
  .dictionary(name, fc.constantFrom("0", "1", "2", "3"), { maxKeys: 8 })
  .map((files) => new Map(Object.entries(files).map(([path, oid]) => [path, file(oid)])))
  .filter((files) => isTree(files));

it("never loses the content of either side", () => {
  fc.assert(
    fc.property(someTree, someTree, someTree, (base, ours, theirs) => {
      const result = compareTrees(base, ours, theirs, "main");
      const after = new Map(ours);
      for (const path of result.remove.keys()) after.delete(path);
      for (const [path, their] of result.write) after.set(path, their);
      for (const { as, file: their } of result.beside.values()) {
        expect(after.has(as)).toBe(false);
        after.set(as, their);
      }
      expect(isTree(after)).toBe(true);
      for (const [path, { oid }] of ours)
        if (base.get(path)?.oid !== oid) expect(after.get(path)?.oid).toBe(oid);
      for (const [path, { oid }] of theirs) {
        if (base.get(path)?.oid === oid) continue;
        const as = result.beside.get(path)?.as ?? path;
        expect(after.get(as)?.oid).toBe(oid);
      }
      for (const [path, { oid }] of base) {
        if (ours.get(path)?.oid === oid && theirs.get(path)?.oid === oid)
          expect(after.get(path)?.oid).toBe(oid);
      }
    }),
    { numRuns: 2000 },
  );
});

/** No file has something below it. */
function isTree(files: ReadonlyMap<string, unknown>): boolean {
  return [...files.keys()].every((path) => ![...files.keys()].some((other) => other.startsWith(`${path}/`)));
}
