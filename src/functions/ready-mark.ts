// The mark on a machine whose front door answers: which start it is of, and the certificate that the door shows.
import type { ReadyNotice } from "../front/ready-notice.ts";
import type { SeenMachine } from "./wake-machine.ts";

/** At most 188 characters, of those that a tag may have: letters, digits, spaces and `_.:/=+-@`. (EC2 User Guide, "Tag restrictions") */
export function buildMark({ bootId, at, fingerprint }: ReadyNotice): string {
  return `${bootId} ${new Date(at).toISOString()} ${fingerprint}`;
}

/** Undefined where there is none of this start: whoever started the machine, an older one says nothing. */
export function findFingerprint({ mark, launchedAt }: SeenMachine): string | undefined {
  const [, at = "", fingerprint] = mark?.split(" ") ?? [];
  return Date.parse(at) >= launchedAt ? fingerprint : undefined;
}
