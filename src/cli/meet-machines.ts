// Before anything is planned on a machine elsewhere: its key is confirmed once, and one that sleeps is woken.
import type { Away } from "../operations/away.ts";
import type { Context } from "../operations/context.ts";
import { confirmHosts } from "./confirm-hosts.ts";
import type { Session } from "./session.ts";

/**
 * @param workloads labs, each on the first machine of its target
 * @throws SestaError as `confirmHosts`; HOST_KEY_CHANGED, and SSH_CONNECTION as `away` says
 */
export async function meetMachines(
  session: Session,
  context: Context,
  workloads: readonly { name: string; target: string }[],
  away: Away,
): Promise<void> {
  for (const [name, there] of Map.groupBy(workloads, ({ target }) => target)) {
    await away.attempt(there, async () => {
      const { remote, reach } = context.targets.get(name);
      if (remote) await confirmHosts(session, context, name, 1);
      await reach?.();
    });
  }
}
