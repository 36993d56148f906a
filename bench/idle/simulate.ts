// Lives through a timeline under one rule: people wake the lab, the rule puts it to sleep, and what that breaks is counted.
import { covers, nextAction, type Code, type Timeline } from "./timeline.ts";

/** What a rule decides about one time awake. */
export type Ending = {
  /** Beyond the timeline's end when it never sleeps by itself. */
  sleepsAt: number;
  /** Code that it ends on the way, while the machine goes on. */
  ended?: readonly { code: Code; at: number }[];
};

export type Rule = {
  name: string;
  /** @param wokeAt the action that woke it */
  watch(timeline: Timeline, wokeAt: number): Ending | Promise<Ending>;
};

export type Outcome = {
  awakeMs: number;
  /** Running code that was ended, and how long it had run. */
  cutCode: number;
  cutCodeMs: number;
  /** How often it fell asleep under somebody who sat before it. */
  cutPeople: number;
  /** How often somebody had to wait for a wake. */
  wakes: number;
};

/** Code that was cut is lost: nobody starts it again, which makes a rule that cuts look cheaper than it is. */
export async function simulate(timeline: Timeline, rule: Rule): Promise<Outcome> {
  const outcome: Outcome = { awakeMs: 0, cutCode: 0, cutCodeMs: 0, cutPeople: 0, wakes: 0 };
  let left = timeline;
  const cut = (code: Code, at: number): Timeline => {
    outcome.cutCode += 1;
    outcome.cutCodeMs += at - code.from;
    return { ...left, code: left.code.map((one) => (one === code ? { ...code, to: at } : one)) };
  };
  let asleepSince = -1;
  for (let wake = nextAction(left, -1); wake; wake = nextAction(left, asleepSince)) {
    const { sleepsAt, ended = [] } = await rule.watch(left, wake.at);
    if (sleepsAt <= wake.at) throw new Error(`${rule.name} sleeps before it wakes`);
    outcome.wakes += 1;
    outcome.awakeMs += Math.min(sleepsAt, left.endMs) - wake.at;
    for (const { code, at } of ended) left = cut(code, at);
    if (sleepsAt >= left.endMs) break;
    for (const code of left.code) if (code.from < sleepsAt && sleepsAt < code.to) left = cut(code, sleepsAt);
    if (covers(left.present, sleepsAt)) outcome.cutPeople += 1;
    asleepSince = sleepsAt;
  }
  return outcome;
}
