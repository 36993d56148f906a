// Shows the keys of hosts that the project meets for the first time, and asks before it trusts them.
import { SestaError } from "../base/errors.ts";
import type { Context } from "../operations/context.ts";
import { listUnknownHosts } from "../operations/machines.ts";
import type { Session } from "./session.ts";

/** @throws SestaError CONFIRMATION, HOST_KEY_UNKNOWN when the person said no */
export async function confirmHosts(
  session: Session,
  context: Context,
  target: string,
  count: number,
): Promise<void> {
  const unknown = await listUnknownHosts(context, target, count);
  if (unknown.length === 0) return;
  const { err, paint } = session.terminal;
  for (const { name, key } of unknown) {
    err(
      `${paint("yellow", "!")} ${paint("bold", name)} is new to this project; its key is\n    ${key.fingerprint}\n`,
    );
    if (key.knownToUser) err("    your own known_hosts has the same key\n");
  }
  if (!(await session.confirm("Trust it from now on?"))) {
    throw new SestaError("HOST_KEY_UNKNOWN", "The key was not confirmed");
  }
  for (const { pin } of unknown) await pin();
}
