// Knows the truth: sleeps exactly the idle time after nobody was there any more and nothing ran.
import type { Rule } from "../simulate.ts";
import type { Timeline } from "../timeline.ts";

export function createOracle(idleMs: number): Rule {
  return {
    name: "oracle",
    watch(timeline, wokeAt) {
      let lastUse = wokeAt;
      for (const { from, to } of findUses(timeline)) {
        if (from > lastUse + idleMs) break;
        lastUse = Math.max(lastUse, to);
      }
      return { sleepsAt: lastUse + idleMs };
    },
  };
}

function findUses({ code, present, actions }: Timeline) {
  const moments = actions.map(({ at }) => ({ from: at, to: at }));
  return [...code, ...present, ...moments].toSorted((a, b) => a.from - b.from);
}
