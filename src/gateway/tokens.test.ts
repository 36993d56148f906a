// Tokens on their way to the agent: what was told, what a file holds, and when it is tried again.
import { expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { buildStubReport } from "../../test/support/views.ts";
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
  const stop = new AbortController();
  let needs = true;
  const tokens = createTokens({
    list: () =>
      new Map([
        ["notebook", "git"],
        ["other", "git"],
        ["third", "file"],
      ]),
    trustsTold: (secret) => secret !== "file",
    async resolve(secret) {
      resolved.push(secret);
      const value = values.get(secret);
      if (value === undefined) throw new Error(`secret ${secret} is not set`);
      return value;
    },
    async hand(workload, value) {
      handed.push(`${workload} ${value}`);
      needs = false;
    },
    needs: () => needs,
    clock,
    log,
    signal: stop.signal,
  });
  const need = async (name: string) => {
    needs = true;
    const save = { ...buildStubReport(name).save, needsToken: true };
    tokens.reported(buildStubReport(name, save));
    await clock.advance(0);
  };
  return { clock, handed, values, resolved, lines, tokens, need, stop };
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

test("what the command line told comes first, for every workload of that secret, and is in no log", async () => {
  const { handed, resolved, lines, tokens, need } = createRig();
  await tokens.tell("git", canary);
  expect(handed).toEqual([`notebook ${canary}`, `other ${canary}`]);
  await need("other");
  expect(handed.at(-1)).toBe(`other ${canary}`);
  expect(resolved).toEqual([]);
  expect(lines.join()).not.toContain(canary);
});

test("F10: a changed file is read again, whatever was told", async () => {
  const { handed, values, tokens } = createRig();
  values.set("file", "old");
  await tokens.tell("file", "told");
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
  expect(resolved).toEqual(["git"]);
  expect(lines).toEqual(['token not handed over{"workload":"notebook","error":"secret git is not set"}']);
  values.set("git", "late");
  await clock.advance(1_000);
  expect(handed).toEqual(["notebook late"]);
});
