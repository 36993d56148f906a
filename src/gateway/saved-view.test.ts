// Saves as pages are told of them: bounded, and without what may not be shown.
import { expect, test } from "vitest";
import { protect } from "../base/redact.ts";
import type { SaveReport } from "../model/save.ts";
import { buildSavedView } from "./saved-view.ts";

const report: SaveReport = {
  savedAt: 1,
  owedSince: 2,
  branch: "main",
  beside: null,
  behind: false,
  problem: null,
  setAside: [],
  held: null,
  needsToken: true,
};

test("nothing is said where nothing is saved", () => {
  expect(buildSavedView(null)).toBeNull();
});

test("twenty files are named at most, all of them counted, and long strings are cut", () => {
  const setAside = Array.from({ length: 5_000 }, (_, index) => ({
    path: `${"deep/".repeat(200)}${index}.bin`,
    kind: "large" as const,
    why: "w".repeat(5_000),
  }));
  const problem = { kind: "refused" as const, message: "m".repeat(9_000), since: 3, retryAt: 4 };
  const view = buildSavedView({ ...report, setAside, problem });
  expect(view?.setAside.count).toBe(5_000);
  expect(view?.setAside.files).toHaveLength(20);
  expect(view?.setAside.files[7]?.path).toMatch(/^….{295}7\.bin$/s);
  expect(JSON.stringify(view).length).toBeLessThan(25_000);
  expect(view).not.toHaveProperty("needsToken");
});

test("T4: a remote that repeats the token does not get it shown", () => {
  protect("ghp_canary-of-a-token");
  const said = { message: "remote: bad ghp_canary-of-a-token", hint: "Not ghp_canary-of-a-token." };
  const view = buildSavedView({
    ...report,
    problem: { kind: "token", ...said, since: 3, retryAt: null },
    setAside: [{ path: "ghp_canary-of-a-token", kind: "secret", why: "ghp_canary-of-a-token" }],
    held: { gone: 3, of: 4, why: "ghp_canary-of-a-token" },
  });
  expect(JSON.stringify(view)).not.toContain("ghp_canary");
  expect(view?.problem?.message).toMatch(/^remote: bad /);
});
