// From what a machine says of a run to its state: every way in which one can end.
import { expect, test } from "vitest";
import { parseRunFacts } from "../../machine/runs/contact.ts";
import type { Run, RunNode } from "../../model/run.ts";
import { judgeNode, judgeRun, type Submitter } from "./judge.ts";

const node: RunNode = {
  machine: "box",
  state: "starting",
  why: null,
  folder: "/r",
  place: null,
  startedAt: null,
  endedAt: null,
  exitCode: null,
  peakBytes: null,
  limitBytes: null,
  attempts: 0,
};
const settings = { fetch: [], into: "results", timeoutMs: 7_200_000, rendezvousMs: 600_000 };
const run: Run = {
  id: "train-1-abcd",
  job: "train",
  target: "box",
  createdAt: 0,
  state: "starting",
  why: null,
  args: [],
  commit: null,
  dirty: null,
  container: null,
  packages: [],
  startedAt: null,
  endedAt: null,
  exitCode: null,
  peakBytes: null,
  nodes: [node],
  fetched: null,
  settings,
  digest: "",
  submitter: null,
};

/** @param parts of a line of contact.sh after the id */
const judge = (...parts: string[]) =>
  judgeNode(node, parseRunFacts(["train-1-abcd", ...parts].join("\t")), settings, "dead");
const ended = (text: string) => judge("-", "-", "-", "-", "100", "1", "105 2048", text, "0", "-");

test.each<[string, string, number | null, RegExp | null]>([
  ["code=0 reason=exit at=110 peak_kb=2048 limit_kb= attempts=1", "succeeded", 0, null],
  ["code=3 reason=exit at=110 peak_kb=2048 limit_kb= attempts=1", "failed", 3, null],
  ["code=137 reason=exit at=110 peak_kb=0 limit_kb= attempts=1", "failed", 137, /SIGKILL.*memory/],
  ["code=0 reason=format at=110 peak_kb=0 limit_kb= attempts=1", "lost", null, /version/],
  ["code=137 reason=signal at=110 peak_kb=0 limit_kb= attempts=1", "failed", 137, /signal/],
  ["code=137 reason=oom at=110 peak_kb=65536 limit_kb=65536 attempts=1", "failed", 137, /OOM.*64MB.*64MB/],
  ["code=143 reason=timeout at=110 peak_kb=1 limit_kb= attempts=1", "failed", 143, /timeout of 2h/],
  ["code=0 reason=reboot at=110 peak_kb=1 limit_kb= attempts=1", "lost", null, /box was restarted/],
  ["code=0 reason=killed at=110 peak_kb=1 limit_kb= attempts=1", "lost", null, /from outside/],
  ["code=143 reason=user at=110 peak_kb=1 limit_kb= attempts=1", "stopped", 143, /stopped/],
  ["code=0 reason=partial at=110 peak_kb=0 limit_kb= attempts=0", "lost", null, /was never whole/],
  ["code=0 reason=links at=110 attempts=0", "failed", null, /makes no hard links/],
  ["code=143 reason=peer at=110 peak_kb=1 limit_kb= attempts=1", "stopped", 143, /Another machine/],
])("%s", (text, state, exitCode, why) => {
  const found = ended(text);
  expect([found.state, found.exitCode]).toEqual([state, exitCode]);
  if (why) expect(found.why).toMatch(why);
  expect(found.endedAt).toBe(110_000);
});

test("what goes on: in line, waiting for others, running", () => {
  expect(judge("alive", "-", "3", "-", "-", "-", "-", "-", "0", "-")).toMatchObject({
    state: "queued",
    place: 3,
  });
  expect(judge("alive", "-", "-", "90", "-", "-", "-", "-", "0", "-")).toMatchObject({ state: "queued" });
  expect(judge("alive", "alive", "-", "-", "100", "1", "105 2048", "-", "9", "-")).toMatchObject({
    state: "running",
    startedAt: 100_000,
    peakBytes: 2_097_152,
  });
  expect(judge("gone")).toMatchObject({
    state: "starting",
    why: expect.stringContaining("not submitted") as string,
  });
});

test.each<[Partial<RunNode>, Submitter, string, RegExp]>([
  [{ folder: null }, "alive", "starting", /being set up/],
  [{ folder: null }, "dead", "starting", /same command again/],
  [{ folder: null }, "left", "failed", /before it began/],
  [{}, "alive", "starting", /being set up/],
  [{}, "dead", "starting", /same command again/],
  [{}, "none", "lost", /not on box any more/],
  [{ state: "running" }, "alive", "lost", /not on box any more/],
])("without a folder there: %j of a command that is %s", (change, submitter, state, why) => {
  const found = judgeNode({ ...node, ...change }, parseRunFacts("x\tgone"), settings, submitter);
  expect([found.state, found.why]).toEqual([state, expect.stringMatching(why)]);
});

test("what is over stays as it is, whatever a machine says later", () => {
  const over = { ...node, state: "succeeded" as const, exitCode: 0 };
  expect(judgeNode(over, parseRunFacts("x\tgone"), settings, "none")).toBe(over);
});

test("several machines: the first that failed decides; one that did not come is named", () => {
  const two = (first: Partial<RunNode>, second: Partial<RunNode>) =>
    judgeRun({
      ...run,
      nodes: [
        { ...node, ...first },
        { ...node, machine: "box2", ...second },
      ],
    });
  expect(two({ state: "stopped" }, { state: "failed", exitCode: 3 })).toMatchObject({
    state: "failed",
    exitCode: 3,
  });
  expect(two({ state: "succeeded", exitCode: 0 }, { state: "running" }).state).toBe("running");
  expect(two({ state: "succeeded", exitCode: 0 }, { state: "succeeded", exitCode: 0 })).toMatchObject({
    state: "succeeded",
    exitCode: 0,
  });
  const late = two(
    { state: "failed", why: "Not all machines came together in time." },
    { state: "queued", place: 1, why: null },
  );
  expect(late.why).toBe("rank 1 on box2 did not come within 10m.");
  expect(
    judgeRun({ ...late, nodes: late.nodes.map((one) => ({ ...one, state: "stopped", place: null })) }).why,
  ).toBe(late.why);
});
