// Before anything is planned on machines elsewhere: their keys are confirmed once, and one that sleeps is woken for a lab.
import type { Away } from "../operations/away.ts";
import type { Context } from "../operations/context.ts";
import { confirmHosts } from "./confirm-hosts.ts";
import type { Session } from "./session.ts";

export type Meeting = {
  name: string;
  target: string;
  /** A job is on so many of its target's machines, the first ones; a lab, which has none, on the first. */
  nodes?: number;
};

/**
 * A machine that is away is waited for once, however many workloads are on it.
 * @throws SestaError as `confirmHosts`; HOST_KEY_CHANGED, and SSH_CONNECTION as `away` says
 */
export async function meetMachines(
  session: Session,
  context: Context,
  workloads: readonly Meeting[],
  away: Away,
): Promise<void> {
  for (const [target, there] of Map.groupBy(workloads, (one) => one.target)) {
    const counts = new Set(there.map(({ nodes = 1 }) => nodes));
    for (const count of [...counts].toSorted((a, b) => a - b)) {
      const needing = there.filter(({ nodes = 1 }) => nodes >= count);
      await away.attempt(needing, () => confirmHosts(session, context, target, count));
    }
    if (there.some(({ nodes }) => nodes === undefined))
      await away.attempt(there, async () => context.targets.get(target).reach?.());
  }
}
