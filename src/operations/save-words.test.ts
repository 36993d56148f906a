// What `--json` says of saves, and the sentence about what is owed.
import { expect, test } from "vitest";
import { buildSaveReport } from "../../test/support/played-agent.ts";
import type { SaveReport } from "../model/save.ts";
import { buildSaveStatus, describeDebt, describeHeld, describeOwed } from "./save-words.ts";

const refused = { kind: "refused", message: "a hook refused it", since: 1, retryAt: null } as const;
const held = { gone: 3, of: 4, why: "more than half" };
const large = { path: "big.bin", kind: "large", why: "too large" } as const;

test("in the words of JSON: times as ISO, nothing as null", () => {
  expect(
    buildSaveStatus(
      buildSaveReport({ owedSince: 0, problem: refused, setAside: [large], held, beside: "main" }),
    ),
  ).toEqual({
    branch: "main",
    beside: "main",
    behind: false,
    owed_since: "1970-01-01T00:00:00.000Z",
    problem: "a hook refused it",
    set_aside: [{ path: "big.bin", why: "too large" }],
    held_deletions: 3,
  });
});

test("a token that nobody gave is a problem once something waits for it", () => {
  const problemOf = (more: Partial<SaveReport>) => buildSaveStatus(buildSaveReport(more)).problem;
  expect(problemOf({ needsToken: true })).toBeNull();
  expect(problemOf({ needsToken: true, owedSince: 1 })).toContain("token");
});

test.each<[string, Partial<SaveReport>, string | undefined]>([
  ["all is there", {}, undefined],
  [
    "refused, which matters more than what else there is",
    { problem: refused, held, owedSince: 1 },
    "a hook refused it",
  ],
  [
    "on its way",
    { owedSince: 0 },
    "the repository has not confirmed the last save, since 1970-01-01T00:00:00.000Z",
  ],
  ["never", { savedAt: null }, "nothing was saved yet"],
  ["gone, and saved as they were", { held }, undefined],
  ["set aside", { setAside: [large] }, "1 file is not saved"],
])("%s", (_, more, said) => expect(describeDebt(buildSaveReport(more))).toBe(said));

test("nothing waits of a workspace without files, nor for what was left out", () => {
  expect(describeOwed(buildSaveReport({ savedAt: null }))).toBeUndefined();
  expect(describeOwed(buildSaveReport({ setAside: [large], held }))).toBeUndefined();
  expect(describeOwed(buildSaveReport({ problem: refused }))).toBe("a hook refused it");
});

test("one file and several that are gone", () => {
  expect(describeHeld({ gone: 1, of: 4 })).toBe(
    "1 of 4 files is gone at once; it stays saved until you confirm",
  );
  expect(describeHeld(held)).toBe("3 of 4 files are gone at once; they stay saved until you confirm");
});
