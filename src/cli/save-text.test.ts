// How saves are told in a cell of `status` and in the lines of `why`.
import { expect, test } from "vitest";
import type { SaveStatus } from "../model/status.ts";
import type { SaveExplanation } from "../operations/why.ts";
import { explainSaved, formatSaved, listFiles, printable } from "./save-text.ts";
import type { Paint } from "./terminal.ts";

const now = Date.parse("2026-11-20T14:00:00Z");
const ago = (ms: number) => new Date(now - ms).toISOString();
const painted: Paint = (style, text) => `<${style}>${text}`;
const plain: Paint = (_, text) => text;
const good: SaveStatus = {
  branch: "main",
  beside: null,
  behind: false,
  owed_since: null,
  problem: null,
  set_aside: [],
  held_deletions: null,
};
const large = { path: "model.bin", why: "120MB, more than 100MB" };

test.each<[string, Partial<SaveStatus>, string | null, string]>([
  ["confirmed", {}, ago(120_000), "<green>saved 2 min ago"],
  ["confirmed by a clock that is ahead", {}, ago(-5_000), "<green>saved 0.0 s ago"],
  ["never", {}, null, "<dim>nothing saved yet"],
  ["under way", { owed_since: ago(500) }, ago(60_000), "<cyan>saving"],
  [
    "stuck",
    { owed_since: ago(300_000), problem: "no route" },
    ago(600_000),
    "<red>not saved for 5 min: sesta why nb",
  ],
  ["without a workspace", { problem: "it is gone" }, ago(600_000), "<red>not saved: sesta why nb"],
  [
    "incomplete",
    { set_aside: [large, large, large] },
    ago(1_000),
    "<yellow>saved 1.0 s ago, 3 files not saved: sesta why nb",
  ],
  [
    "beside",
    { beside: "main", branch: "sesta/nb/1" },
    ago(1_000),
    "<yellow>saved 1.0 s ago, beside main: sesta why nb",
  ],
  [
    "all that can be said at once",
    { held_deletions: 1, set_aside: [large], beside: "main" },
    ago(1_000),
    "<yellow>saved 1.0 s ago, beside main, 1 file gone, 1 file not saved: sesta why nb",
  ],
])("%s", (_, more, saved_at, cell) => {
  expect(formatSaved({ name: "nb", saved_at, save: { ...good, ...more } }, now, painted)).toBe(cell);
});

test("saved nowhere: nothing", () => {
  expect(formatSaved({ name: "nb", saved_at: null }, now, painted)).toBe("");
});

const explained = (more: Partial<SaveExplanation>, saved_at: string | null = ago(120_000)) =>
  explainSaved(
    "nb",
    saved_at,
    {
      ...good,
      hint: null,
      problem_since: null,
      retry_at: null,
      saved_files: null,
      needs_token: false,
      ...more,
    },
    now,
    plain,
  ).join("\n");

test("when all is well, one line", () => {
  expect(explained({})).toMatch(/^saved: all up to 2026-11-2\d \d\d:\d\d:00, 2 min ago on branch main$/);
});

test("F8: what is owed since when, why, when it is tried again, what to do", () => {
  const text = explained({
    owed_since: ago(300_000),
    problem: "the repository cannot be reached",
    hint: "Check the network.",
    problem_since: ago(290_000),
    retry_at: ago(-60_000),
  });
  for (const part of [
    "waiting: for the repository since ",
    "it is safe on this machine",
    "because: the repository cannot be reached",
    "tried again at ",
    "try: Check the network.",
  ])
    expect(text).toContain(part);
});

test("F9: saves that went aside, and the way back", () => {
  const text = explained({ branch: "sesta/nb/2026-11-20", beside: "main" });
  expect(text).toContain("saves go to sesta/nb/2026-11-20");
  expect(text).toContain("`sesta save nb --onto main`");
});

test("F12: held deletions, and both answers to them", () => {
  const text = explained({ held_deletions: 6, saved_files: 10 });
  expect(text).toContain("gone: 6 of 10 files are gone at once; they stay saved until you confirm");
  expect(text).toContain("`sesta save nb -y` records them");
  expect(text).toContain("`sesta restore nb` brings them back");
});

test("F10: each file that is left out, with its reason; a hostile name stays on its line", () => {
  const text = explained({ set_aside: [large, { path: "a\u001b[2Jb\nc\u202e", why: "its name" }] });
  expect(text).toContain("not saved: model.bin: 120MB, more than 100MB");
  expect(text).toContain("not saved: a\\u001b[2Jb\\u000ac\\u202e: its name");
  expect(text.split("\n")).toHaveLength(3);
});

test("a token that nobody gave, and a repository that never answered", () => {
  expect(explained({ needs_token: true }, null)).toBe(
    "saved: nothing was confirmed by the repository yet\nits token is not known to the agent: `sesta save nb` gives it",
  );
});

test("long lists are cut, and say how long they are", () => {
  const names = Array.from({ length: 25 }, (_, index) => `f${index}`);
  const lines = listFiles("changed", names);
  expect([lines[0], lines.length, lines.at(-1)]).toEqual(["changed: 25 files", 22, "  … and 5 more"]);
  expect(listFiles("changed", [])).toEqual([]);
});

test("names in any script stay as they are", () => {
  expect(printable("données/Übung 1/笔记.ipynb")).toBe("données/Übung 1/笔记.ipynb");
});
