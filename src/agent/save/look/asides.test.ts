// What is set aside is told as long as it is there.
import { expect, test } from "vitest";
import { createAsides } from "./asides.ts";
import type { Scanned } from "./scan.ts";

const aside = (path: string, kind: "large" | "name" | "unreadable" = "large") => ({ path, kind, why: "" });
function scan(listed: Record<string, string[]>, found: string[] = []): Scanned {
  return {
    listed: new Map(Object.entries(listed).map(([path, names]) => [path, new Set(names)])),
    candidates: new Map(),
    folders: new Map(),
    asides: found.map((path) => ({ folder: "", aside: aside(path, "name") })),
  };
}

test("a file that was read stays set aside while it is there; what a scan found, while scans find it", () => {
  const asides = createAsides();
  asides.see(scan({ "": ["big"] }, ["bad"]));
  asides.read(new Map([["big", { stamp: "1", aside: aside("big") }]]), []);
  expect(asides.list()).toEqual([aside("bad", "name"), aside("big")]);
  expect([asides.isKnown("big", "1"), asides.isKnown("big", "2")]).toEqual([true, false]);
  asides.see(scan({ "": ["big"] }));
  expect(asides.list()).toEqual([aside("big")]);
  asides.see(scan({ "": [] }));
  expect(asides.list()).toEqual([]);
});

test("what is saved after all is set aside no more", () => {
  const asides = createAsides();
  asides.read(new Map([["a", { stamp: "1", aside: aside("a", "unreadable") }]]), []);
  expect(asides.unreadable()).toEqual(new Set(["a"]));
  asides.read(new Map(), ["a"]);
  expect(asides.list()).toEqual([]);
});

test("a file that changed while it was read counts as that only as long as it is set aside", () => {
  const asides = createAsides();
  asides.changing.set("a", 2);
  asides.read(new Map([["a", { stamp: "changing", aside: aside("a") }]]), []);
  asides.see(scan({ "": ["a"] }));
  expect(asides.changing.get("a")).toBe(2);
  asides.see(scan({ "": [] }));
  expect(asides.changing.size).toBe(0);
});
