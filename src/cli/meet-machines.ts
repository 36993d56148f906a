// Before anything is planned on a machine: its key is shown and confirmed once, and one that sleeps is woken.
import type { Target } from "../targets/target.ts";
import type { Session } from "./session.ts";

/**
 * @returns false when somebody said that it is not the machine
 * @throws SestaError SSH_CONNECTION, HOST_KEY_CHANGED; CONFIRMATION without a terminal and without `-y`
 */
export async function meetMachines(session: Session, targets: readonly Target[]): Promise<boolean> {
  const { terminal } = session;
  for (const target of targets) {
    const key = await target.findUnknownKey?.();
    if (key) {
      const { host, fingerprint, knownToUser, accept } = key;
      terminal.err(
        `${host} shows its key to this project for the first time:\n  ${fingerprint}\n` +
          (knownToUser ? "Your own ssh knows this very key.\n" : ""),
      );
      if (!(await session.confirm(`Is that the key of ${host}?`, knownToUser ? "yes" : "no"))) return false;
      await accept();
    }
    await target.reach?.();
  }
  return true;
}
