// Passwords from their secrets into the state: hashed, taken over when they change, left alone when they do not.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createScratchContext, type ScratchContext } from "../../test/support/scratch-context.ts";
import { verifyPassword } from "../front/password.ts";
import { syncPasswords } from "./passwords.ts";

const yaml = `name: team
secrets:
  team: { env: SESTA_TEST_PASS }
  other: { command: "printf from-a-command" }
  unused: { env: SESTA_TEST_UNUSED }
workloads:
  notebook: { type: lab, password: "\${secret.team}" }
  course: { type: lab, password: "\${secret.other}" }
  again: { type: lab, password: "\${secret.team}" }
`;
const canary = "canary-4a7d-password";
let scratch: ScratchContext;
beforeEach(async () => {
  scratch = await createScratchContext(yaml, { SESTA_TEST_PASS: canary });
});
afterEach(() => scratch.end());

test("each used one once, as a hash that its password opens; the second time nothing is new", async () => {
  const { context } = scratch;
  const changed = await syncPasswords(context);
  expect(changed.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
    { name: "other", replaced: false },
    { name: "team", replaced: false },
  ]);
  const kept = context.state.listPasswords();
  expect([...kept.keys()].toSorted()).toEqual(["other", "team"]);
  expect(await verifyPassword(kept.get("team")?.hash ?? "", canary)).toBe(true);
  expect(await verifyPassword(kept.get("other")?.hash ?? "", "from-a-command")).toBe(true);
  expect(await syncPasswords(context)).toEqual([]);
  expect(context.state.listPasswords()).toEqual(kept);
});

test("T17: a changed one has a new version, the others keep theirs", async () => {
  await syncPasswords(scratch.context);
  const context = await scratch.reopen(yaml, { SESTA_TEST_PASS: "another-one" });
  expect(await syncPasswords(context)).toEqual([{ name: "team", replaced: true }]);
  expect([...context.state.listPasswords()].map(([name, { version }]) => [name, version]).toSorted()).toEqual(
    [
      ["other", 1],
      ["team", 2],
    ],
  );
});

test("only those that are named", async () => {
  expect(await syncPasswords(scratch.context, new Set(["other"]))).toEqual([
    { name: "other", replaced: false },
  ]);
});

test("a secret that leads to nothing ends it, by name", async () => {
  const context = await scratch.reopen(yaml, {});
  await expect(syncPasswords(context)).rejects.toMatchObject({
    code: "SECRET_MISSING",
    message: expect.stringContaining("team") as string,
  });
});

test("T4: nothing in the project's folder holds it in clear", async () => {
  await syncPasswords(scratch.context);
  const paths = readdirSync(scratch.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  expect(paths.length).toBeGreaterThan(2);
  for (const path of paths) expect([path, readFileSync(path).includes(canary)]).toEqual([path, false]);
});
