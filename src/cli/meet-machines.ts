// Before anything is planned on a machine elsewhere: its key is confirmed once, and one that sleeps is woken.
import type { Context } from "../operations/context.ts";
import type { Target } from "../targets/target.ts";
import { confirmHosts } from "./confirm-hosts.ts";
import type { Session } from "./session.ts";

/** @throws SestaError as `confirmHosts`; SSH_CONNECTION, HOST_KEY_CHANGED */
export async function meetMachines(
  session: Session,
  context: Context,
  targets: readonly Target[],
): Promise<void> {
  for (const { name, remote, reach } of targets) {
    if (remote) await confirmHosts(session, context, name, 1);
    await reach?.();
  }
}
