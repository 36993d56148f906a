// Why a workload is in its state: the agent's own words, and the evidence behind them.
import type { State } from "../model/words.ts";
import type { Context } from "./context.ts";
import { requireKnown } from "./plan.ts";

export type Explanation = {
  name: string;
  state: State;
  since: string;
  why: string;
  last_use: { at: string; source: string } | null;
  sleeps_at: string | null;
  log_tail: readonly string[];
};

export async function explain(context: Context, name: string): Promise<Explanation> {
  requireKnown(context, name);
  const { state, since, why, lastUse, sleepsAt, logTail } = await context.target.status(name);
  return {
    name,
    state,
    since: new Date(since).toISOString(),
    why,
    last_use: lastUse && { at: new Date(lastUse.at).toISOString(), source: lastUse.source },
    sleeps_at: sleepsAt === null ? null : new Date(sleepsAt).toISOString(),
    log_tail: logTail,
  };
}
