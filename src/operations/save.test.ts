// Saving now: what counts as confirmed, what `up` makes of it, what `plan` says before a workload goes.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildSaveReport, playAgent, type PlayedAgent } from "../../test/support/played-agent.ts";
import { createScratchContext, type ScratchContext } from "../../test/support/scratch-context.ts";
import { buildTinyLaunch } from "../../test/support/tiny-launch.ts";
import { SestaError } from "../base/errors.ts";
import type { Plan } from "../model/plan.ts";
import type { SaveProblem, SaveReport } from "../model/save.ts";
import { down } from "./down.ts";
import { createAway } from "./away.ts";
import { saveFirst } from "./first-save.ts";
import { listHistory } from "./history.ts";
import { planDown } from "./plan.ts";
import { restore } from "./restore.ts";
import { requireConfirmed, saveNow } from "./save.ts";

const rule = {
  repo: "/srv/saves.git",
  branch: "main",
  include: [],
  exclude: [],
  maxFileBytes: 1,
  everyMs: 1,
  lfs: false,
} as const;
const unreachable: SaveProblem = {
  kind: "unreachable",
  message: "the repository cannot be reached",
  hint: "Check the network.",
  since: 2_000,
  retryAt: 3_000,
};
let scratch: ScratchContext;
let agent: PlayedAgent;
let answer: SaveReport | SestaError;
/** The answer waits for it. */
let held: Promise<void> = Promise.resolve();

beforeEach(async () => {
  held = Promise.resolve();
  scratch = await createScratchContext(
    "name: team\nworkloads:\n  nb: { type: lab }\n  plain: { type: lab }\n",
  );
  mkdirSync(join(scratch.folder, ".sesta", "agent"), { recursive: true });
  agent = await playAgent(join(scratch.folder, ".sesta"), {
    stop: () => null,
    save: async () => {
      await held;
      if (answer instanceof SestaError) throw answer;
      return answer;
    },
    changes: () => [],
    uses: ({ after, open }) => [
      ...(after < 1 ? [{ seq: 1, workload: "nb", source: "a kernel is busy", from: 10, to: 20 }] : []),
      ...(open ? [{ seq: 0, workload: "nb", source: "a page was opened", from: 30, to: 40 }] : []),
    ],
  });
  for (const [name, more] of [
    ["nb", { save: rule }],
    ["plain", {}],
  ] as const) {
    const launch = buildTinyLaunch(name, more);
    scratch.context.state.saveWorkload({
      name,
      type: "lab",
      target: "local",
      launch,
      digest: "x",
      placedAt: 1,
    });
  }
});
afterEach(async () => {
  await agent.end();
  await scratch.end();
});

describe("confirmed is", () => {
  const save = async (before: SaveReport | null, after: SaveReport) => {
    agent.report("nb", { save: before });
    answer = after;
    return saveNow(scratch.context, "nb", false, () => undefined);
  };

  test.each<[string, SaveReport | null, SaveReport, boolean]>([
    ["nothing owed after a word of the remote", null, buildSaveReport(), true],
    [
      "a newer word, though something is owed again",
      buildSaveReport(),
      buildSaveReport({ savedAt: 2_000, owedSince: 2_001 }),
      true,
    ],
    ["not an old word with something owed", buildSaveReport(), buildSaveReport({ owedSince: 1_500 }), false],
    ["nothing owed of a workspace without files", null, buildSaveReport({ savedAt: null }), true],
    ["not without any word", null, buildSaveReport({ savedAt: null, owedSince: 1_500 }), false],
    ["not without a token", null, buildSaveReport({ needsToken: true }), false],
    ["not with a problem", null, buildSaveReport({ problem: unreachable }), false],
  ])("%s", async (_, before, after, confirmed) => {
    const saved = await save(before, after);
    expect([saved.confirmed, saved.report]).toEqual([confirmed, after]);
    if (confirmed) expect(() => requireConfirmed("nb", saved)).not.toThrow();
    else
      expect(() => requireConfirmed("nb", saved)).toThrow(
        expect.objectContaining({ code: "SAVE_REMOTE" }) as Error,
      );
  });

  test("the problem and what to do are in the error", async () => {
    const saved = await save(null, buildSaveReport({ problem: unreachable }));
    expect(() => requireConfirmed("nb", saved)).toThrow(
      expect.objectContaining({
        message: "nb is not saved: the repository cannot be reached",
        hint: "Check the network.",
      }) as Error,
    );
  });
});

test("reports on the way are shown", async () => {
  agent.report("nb", { save: buildSaveReport({ owedSince: 5 }) });
  answer = buildSaveReport();
  const shown: (number | null)[] = [];
  await new Promise<void>((seen, failed) => {
    held = new Promise((goOn) => {
      saveNow(scratch.context, "nb", true, ({ owedSince }) => {
        shown.push(owedSince);
        goOn();
      }).then(() => seen(), failed);
    });
  });
  expect(shown[0]).toBe(5);
  expect(agent.asked("save")).toEqual([{ name: "nb", acceptDeletions: true }]);
});

test("what is saved nowhere says how it would be", async () => {
  await expect(saveNow(scratch.context, "plain", false, () => undefined)).rejects.toMatchObject({
    code: "UNSUPPORTED",
    hint: expect.stringContaining("save: { repo:") as string,
  });
});

describe("at the end of `up`", () => {
  const plan = (action: Plan["action"]) => [
    { name: "nb", action, wanted: buildTinyLaunch("nb", { save: rule }) } as unknown as Plan,
    { name: "plain", action, wanted: buildTinyLaunch("plain") } as unknown as Plan,
  ];
  const first = (action: Plan["action"] = "create") =>
    saveFirst(scratch.context, { plans: plan(action), away: createAway("up", ["nb"]) }, () => undefined);

  test("a first save that the remote confirms is quiet", async () => {
    agent.report("nb", { save: buildSaveReport({ savedAt: null }) });
    answer = buildSaveReport();
    expect(await first()).toEqual([]);
    expect(agent.asked("save")).toEqual([{ name: "nb", acceptDeletions: false }]);
  });

  test("a repository that was never reached ends it with its hint", async () => {
    agent.report("nb", { save: buildSaveReport({ savedAt: null }) });
    answer = buildSaveReport({ savedAt: null, problem: unreachable });
    await expect(first()).rejects.toMatchObject({ code: "SAVE_REMOTE", hint: "Check the network." });
    answer = new SestaError("SAVE_REMOTE", "it is private");
    await expect(first()).rejects.toMatchObject({ code: "SAVE_REMOTE", message: "it is private" });
  });

  test("one that was reached before is a warning", async () => {
    agent.report("nb", { save: buildSaveReport() });
    answer = buildSaveReport({ problem: unreachable });
    expect(await first("change")).toEqual([expect.stringContaining("the repository cannot be reached")]);
  });

  test("nothing new and nothing wrong: not asked again", async () => {
    agent.report("nb", { save: buildSaveReport() });
    expect(await first("none")).toEqual([]);
    expect(agent.asked("save")).toEqual([]);
    agent.report("nb", {
      save: buildSaveReport({ setAside: [{ path: "big.bin", kind: "large", why: "too large" }] }),
    });
    expect(await first("none")).toEqual(["1 file is not saved from nb: sesta why nb"]);
  });

  test("what was left out is a warning", async () => {
    agent.report("nb", { save: buildSaveReport({ savedAt: null }) });
    answer = buildSaveReport({
      setAside: [{ path: "big.bin", kind: "large", why: "too large" }],
      held: { gone: 3, of: 4, why: "more than half" },
    });
    expect(await first()).toEqual([
      "nb: 3 of 4 files are gone at once; they stay saved until you confirm; `sesta save nb -y` records them as deleted, `sesta restore nb` brings them back",
      "1 file is not saved from nb: sesta why nb",
    ]);
  });
});

test("F8: before a workload goes, its plan warns of what only this machine has", async () => {
  agent.report("nb", { save: buildSaveReport({ problem: unreachable }) });
  const warned = async () =>
    (await planDown(scratch.context)).plans.map(({ name, warnings }) => [name, warnings]);
  expect(await warned()).toEqual([
    ["nb", [expect.stringMatching(/cannot be reached.*`sesta save nb` first/)]],
    ["plain", []],
  ]);
  agent.report("nb", { save: buildSaveReport() });
  expect(await warned()).toEqual([
    ["nb", []],
    ["plain", []],
  ]);
});

test("F8: the receipt repeats what the repository does not have", async () => {
  agent.report("nb", { save: buildSaveReport({ problem: unreachable }) });
  const plans = [{ name: "nb", action: "destroy", basis: "x" }, { name: "plain" }] as unknown as Plan[];
  const local = scratch.context.targets.get("local");
  const target = {
    ...local,
    apply: async ({ name }: Plan) => ({ kind: "receipt" as const, name, removed: [], remains: [] }),
  };
  const targets = { ...scratch.context.targets, get: () => target };
  const { unsaved } = await down(
    { ...scratch.context, targets },
    { plans, jobs: [], away: createAway("down", ["nb"]) },
    { all: false },
    () => undefined,
  );
  expect(unsaved).toEqual([{ name: "nb", why: "the repository cannot be reached" }]);
});

describe("`restore` where nothing saves itself any more", () => {
  const asked = { name: "plain", at: null, to: "/nowhere", dryRun: true };

  test("says what is missing", async () => {
    await expect(restore(scratch.context, asked)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      problems: [],
    });
  });

  test("and how the earlier saves are read, also once it is down", async () => {
    const kept = join(scratch.folder, ".sesta", "agent", "saves", "plain", "git");
    mkdirSync(kept, { recursive: true });
    const problems = [
      expect.stringContaining(`git --git-dir='${kept}' log`) as string,
      expect.stringContaining(`git --git-dir='${kept}' archive`) as string,
    ];
    await expect(restore(scratch.context, asked)).rejects.toMatchObject({ code: "UNSUPPORTED", problems });
    scratch.context.state.deleteWorkload("plain");
    await expect(restore(scratch.context, asked)).rejects.toMatchObject({ code: "NOT_UP", problems });
  });
});

test("the history of a name that nobody has is refused; one that is down keeps its own", async () => {
  await expect(listHistory(scratch.context, "bn")).rejects.toMatchObject({
    code: "UNKNOWN_WORKLOAD",
    hint: 'Did you mean "nb"?',
  });
  scratch.context.state.deleteWorkload("plain");
  expect(await listHistory(scratch.context, "plain")).toEqual({ changes: [], uses: [] });
});

test("spans of use are kept once, and the one that goes on is listed with them", async () => {
  const spans = async () => (await listHistory(scratch.context, "nb")).uses.map(({ from, to }) => [from, to]);
  for (const _ of [1, 2])
    expect(await spans()).toEqual([
      [10, 20],
      [30, 40],
    ]);
  expect(scratch.context.state.listUses()).toHaveLength(1);
  expect((await listHistory(scratch.context, "plain")).uses).toEqual([]);
});
