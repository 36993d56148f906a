// What `--json` says of saves, and the sentence about what is owed.
import { expect, test } from "vitest";
import { buildSaveReport } from "../../test/support/played-agent.ts";
import type { SaveReport } from "../model/save.ts";
import { buildSaveStatus, describeDebt } from "./save-words.ts";

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
  ["on its way", { owedSince: 0 }, "something waits for the remote's word since 1970-01-01T00:00:00.000Z"],
  ["never", { savedAt: null }, "nothing was saved yet"],
  ["held", { held, setAside: [large] }, "3 files are gone, which is not recorded yet"],
  ["set aside", { setAside: [large] }, "1 file is not saved"],
])("%s", (_, more, said) => expect(describeDebt(buildSaveReport(more))).toBe(said));
