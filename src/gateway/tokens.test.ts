// Tokens on their way to the agent: what was told, what a file holds, and when it is tried again.
import { expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { buildStubReport } from "../../test/support/views.ts";
import { SestaError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { createTokens } from "./tokens.ts";

const canary = "ghp_the-canary-of-the-tokens";

function createRig() {
  const clock = createFakeClock();
  const handed: string[] = [];
  const values = new Map<string, string>();
  const resolved: string[] = [];
  const lines: string[] = [];
  const note = (message: string, fields?: object) => void lines.push(message + JSON.stringify(fields ?? {}));
  const log: Log = { debug: note, info: note, warn: note, error: note };
  let away = false;
  const tokens = createTokens({
    list: () =>
      new Map([
        ["notebook", "git"],
        ["other", "git"],
        ["third", "file"],
      ]),
    async supply(workload, told) {
      const secret = workload === "third" ? "file" : "git";
      resolved.push(workload);
      const value = values.get(secret) ?? told.get(secret);
      if (away) throw new SestaError("AGENT_UNREACHABLE", "The agent does not answer");
      if (value === undefined) throw new SestaError("SECRET_MISSING", `secret ${secret} is not set`);
      handed.push(`${workload} ${value}`);
    },
    clock,
    log,
    signal: new AbortController().signal,
  });
  const report = async (name: string, needsToken: boolean) => {
    tokens.reported(buildStubReport(name, { needsToken }));
    await clock.advance(0);
  };
  const need = (name: string) => report(name, true);
  const leave = (gone: boolean) => (away = gone);
  return { clock, handed, values, resolved, lines, tokens, report, need, leave };
}

test("an agent that lacks a token gets it, and is left alone when it has one", async () => {
  const { handed, values, tokens, need, clock } = createRig();
  values.set("git", "a");
  tokens.reported(buildStubReport("notebook"));
  await clock.advance(0);
  expect(handed).toEqual([]);
  await need("notebook");
  expect(handed).toEqual(["notebook a"]);
});

test("what the command line told goes to every workload of that secret, also later, and is in no log", async () => {
  const { handed, lines, tokens, need } = createRig();
  await tokens.tell("git", canary);
  expect(handed).toEqual([`notebook ${canary}`, `other ${canary}`]);
  await need("other");
  expect(handed.at(-1)).toBe(`other ${canary}`);
  expect(lines.join()).not.toContain(canary);
});

test("F10: a changed file is read again, and nobody else's", async () => {
  const { handed, values, tokens } = createRig();
  values.set("file", "old");
  await tokens.changed(new Set(["file"]));
  values.set("file", "new");
  await tokens.changed(new Set(["file", "somebody's password"]));
  expect(handed).toEqual(["third old", "third new"]);
});

test("a value that cannot be had is asked for again after minutes, not with every report", async () => {
  const { clock, handed, values, resolved, lines, need } = createRig();
  await need("notebook");
  await need("notebook");
  await clock.advance(299_000);
  await need("notebook");
  expect(resolved).toEqual(["notebook"]);
  expect(lines).toEqual(['token not handed over{"workload":"notebook","error":"secret git is not set"}']);
  values.set("git", "late");
  await clock.advance(1_000);
  expect(handed).toEqual(["notebook late"]);
});

test("an agent that got it otherwise, and died, gets it from here at once", async () => {
  const { handed, tokens, report, need } = createRig();
  await need("notebook"); // a variable that this process does not have
  await report("notebook", false); // `up` had it
  await tokens.tell("git", canary);
  handed.splice(0);
  await need("notebook");
  expect(handed).toEqual([`notebook ${canary}`]);
});

test("F2: an agent that is away for a moment is asked again soon", async () => {
  const { clock, handed, values, need, leave } = createRig();
  values.set("git", "a");
  leave(true);
  await need("notebook");
  leave(false);
  await clock.advance(3_000);
  expect(handed).toEqual(["notebook a"]);
});
