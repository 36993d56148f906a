// The key of a host that this project has not confirmed yet: shown to a person, and pinned when they say yes.
import type { SshAccess } from "../../machine/ssh/access.ts";
import { findHostKey, isPinned, pinHostKey } from "../../machine/ssh/host-key.ts";
import type { UnknownKey } from "../target.ts";

/**
 * Undefined where the project has pinned one, whatever the host shows now: ssh compares.
 * @throws SestaError SSH_CONNECTION
 */
export async function findUnknownKey(access: SshAccess): Promise<UnknownKey | undefined> {
  if (await isPinned(access)) return undefined;
  const { line, fingerprint, knownToUser } = await findHostKey(access);
  return { host: access.host.name, fingerprint, knownToUser, accept: () => pinHostKey(access, line) };
}
