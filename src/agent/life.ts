// Notices that a process which should live has ended, or that it has lived long enough to be trusted.
import type { Clock } from "../base/clock.ts";
import { isAlive, type Identity } from "../machine/identity.ts";

const tickMs = 1_000;
/** A workload that stayed up this long has earned three new tries. */
const provenMs = 60_000;

export type LifeEvents = { proven: () => void; ended: () => void };

/** Until the process ends or the signal aborts. It may be the child of an agent that is dead, so it is looked for. */
export async function watchLife(
  clock: Clock,
  identity: Identity,
  signal: AbortSignal,
  on: LifeEvents,
): Promise<void> {
  const began = clock.monotonic();
  for (;;) {
    await clock.sleep(tickMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    if (clock.monotonic() - began > provenMs) on.proven();
    if ((await isAlive(identity)) || signal.aborted) continue;
    return on.ended();
  }
}
