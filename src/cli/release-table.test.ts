// Releases as people read them.
import { expect, test } from "vitest";
import type { Release } from "../model/release.ts";
import { formatReleases } from "./release-table.ts";

const release: Release = {
  number: 1,
  digest: `sha256:${"ab12".repeat(16)}`,
  commit: null,
  dirty: null,
  by: "ada@example.org",
  figures: [],
  at: 0,
  state: "replaced",
  why: "Release 2 replaced it.",
  liveSince: 1,
  phase: null,
  logTail: [],
};

test("newest first, with the commit and a mark where the files differed, and the figures", () => {
  const newest: Release = {
    ...release,
    number: 12,
    state: "failed",
    why: "it ended while it started",
    commit: "0123456789abcdef0123456789abcdef01234567",
    dirty: true,
    figures: [
      { name: "accuracy", value: "0.9733333333333334", min: "0.9" },
      { name: "loss", value: "0.1" },
    ],
  };
  const clean = {
    ...newest,
    number: 11,
    state: "live",
    why: "It is live.",
    dirty: false,
    figures: [],
  } as const;
  const text = formatReleases([newest, clean, release], (_style, cell) => cell);
  const rows = text
    .trimEnd()
    .split("\n")
    .map((line) => line.trim().split(/ {2,}/));
  expect(rows.map(([number, state]) => [number, state])).toEqual([
    ["release", "state"],
    ["12", "failed"],
    ["11", "live"],
    ["1", "replaced"],
  ]);
  expect(rows[1]?.slice(3)).toEqual([
    "ada@example.org",
    "01234567+",
    "ab12ab12ab12",
    "accuracy 0.9733333333333334, loss 0.1",
    "it ended while it started",
  ]);
  expect(rows[2]).toContain("01234567");
  expect(rows[3]?.slice(3)).toEqual(["ada@example.org", "ab12ab12ab12", "Release 2 replaced it."]);
});

test("each state has its colour", () => {
  const text = formatReleases([{ ...release, state: "failed" }], (style, cell) => `<${style}>${cell}`);
  expect(text).toContain("<red>failed");
});
