// Names of branches: git itself is the judge.
import { execFileSync, spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isBranchName } from "./branch-name.ts";

test.each(["main", "sesta/notebook/2026-11-20", "über", "a.b", "x-", "a@b", "@x", "v1.0", "2024"])(
  "%s is one",
  (name) => expect(isBranchName(name)).toBe(true),
);

test.each(["refs/heads/main", "HEAD", "--all", "-f", "", "x".repeat(201)])("%j is none here", (name) =>
  expect(isBranchName(name)).toBe(false),
);

test("what is accepted, git accepts; what git refuses is refused", () => {
  execFileSync("git", ["--version"]);
  const name = fc
    .array(
      fc.constantFrom(
        "a",
        "b",
        "é",
        ".",
        "..",
        "/",
        "-",
        "@",
        "{",
        "~",
        "^",
        ":",
        "?",
        "*",
        "[",
        "\\",
        " ",
        ".lock",
        "HEAD",
      ),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(name, (text) => {
      const accepted = spawnSync("git", ["check-ref-format", "--branch", text], { cwd: "/" }).status === 0;
      // `@{-1}` and the like mean another branch to git.
      if (isBranchName(text)) expect([text, accepted]).toEqual([text, true]);
      else if (accepted)
        expect(["HEAD", "@"].includes(text) || text.includes("@{") || text.length > 200).toBe(true);
    }),
    { numRuns: 150 },
  );
});
