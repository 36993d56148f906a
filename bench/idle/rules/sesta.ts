// Sesta's own judgement, the real one, on a simulated clock: it is handed what its collectors would find in the truth.
import type { KeepAwake } from "../../../src/model/launch.ts";
import { createUse, type Evidence } from "../../../src/agent/idle.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import type { Rule } from "../simulate.ts";
import { covers, lastAction, lastOutput, nextAction, type Timeline } from "../timeline.ts";

/** A sleep is noticed after this much of the timeline. */
const longestStepMs = 3_600_000;

/** @param keepAwake only its processor time is simulated; a job in the background is taken for busier than that */
export function createSesta(idleMs: number, keepAwake?: KeepAwake): Rule {
  return {
    name: keepAwake ? "Sesta" : "Sesta, kernels and terminals only",
    async watch(timeline, wokeAt) {
      const clock = createFakeClock(wokeAt);
      const rule = {
        idleMs,
        maxAwakeMs: null,
        evidence: "jupyter",
        ...(keepAwake && { keepAwake }),
      } as const;
      const use = createUse(clock, rule, wokeAt);
      const slept: number[] = [];
      const watching = use.watch(
        {
          collect: () => Promise.resolve(collect(timeline, wokeAt, clock.now(), keepAwake)),
          sleep: () => slept.push(clock.now()) > 0,
          changed: () => undefined,
        },
        new AbortController().signal,
      );
      for (let at = wokeAt; slept.length === 0 && at < timeline.endMs;) {
        const next = nextAction(timeline, at);
        at = Math.min(next?.at ?? Infinity, timeline.endMs, at + longestStepMs);
        await clock.advance(at - clock.now());
        if (slept.length === 0 && next?.at === at) noteAtDoor(use.note, next.via);
      }
      const [sleepsAt] = slept;
      if (sleepsAt === undefined) return { sleepsAt: timeline.endMs };
      await watching;
      return { sleepsAt };
    },
  };
}

function noteAtDoor(note: (source: string) => void, via: string): void {
  if (via === "visit") note("somebody opened its page");
  if (via === "save") note("somebody changed something in its page");
}

/** As the collectors in src/agent report Jupyter's kernels and terminals; nothing from before the wake outlasts sleep. */
function collect(timeline: Timeline, wokeAt: number, at: number, keepAwake?: KeepAwake): Evidence[] {
  if (covers(timeline.outages, at))
    return [{ source: "Jupyter did not answer; that counts as use", at: "now" }];
  const found: Evidence[] = [];
  const running = timeline.code.filter(({ from, to }) => from <= at && at < to);
  for (const { where, from } of running) {
    if (where === "kernel") found.push({ source: "a kernel is busy", at: "now" });
    if (where === "terminal") found.push({ source: "a program runs in a terminal", at: "now" });
    if (where === "background" && keepAwake && at - from >= keepAwake.forMs)
      found.push({ source: "its processes are busy", at: "now" });
  }
  const kernels = timeline.code.filter(({ where }) => where === "kernel");
  const kernelUsed = Math.max(
    lastAction(timeline, at, ["kernel"]),
    ...kernels.map((code) => lastOutput(code, at)),
  );
  if (kernelUsed >= wokeAt) found.push({ source: "a kernel was used", at: kernelUsed });
  const terminalUsed = lastAction(timeline, at, ["terminal"]);
  if (terminalUsed >= wokeAt) found.push({ source: "a terminal was used", at: terminalUsed });
  return found;
}
