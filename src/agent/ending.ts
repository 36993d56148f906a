// Ends a process: asks it, then tells it, then makes it.
import type { Clock } from "../base/clock.ts";
import { isAlive, signalGroup, type Identity } from "../machine/identity.ts";
import type { DoorAddress } from "../model/agent-protocol.ts";
import type { Launch } from "../model/launch.ts";
import { send } from "./loopback.ts";

/** How long a process, and what it left behind, has between TERM and KILL. */
export const termGraceMs = 5_000;

/** Asks it over its own port, where it takes such a wish, and gives it its time. */
export async function askToEnd(
  clock: Clock,
  launch: Launch,
  identity: Identity,
  address: DoorAddress,
): Promise<void> {
  const { stopPath, stopGraceMs } = launch.process;
  if (stopPath === undefined) return;
  const asked = await send("POST", address, stopPath).then(
    (status) => status < 300,
    () => false,
  );
  if (asked) await untilDead(clock, identity, stopGraceMs);
}

/** TERM, then KILL, for the whole process group. */
export async function makeEnd(clock: Clock, identity: Identity, graceMs: number): Promise<void> {
  if (!(await signalGroup(identity, "SIGTERM"))) return;
  if (await untilDead(clock, identity, graceMs)) return;
  await signalGroup(identity, "SIGKILL");
  await untilDead(clock, identity, termGraceMs);
}

async function untilDead(clock: Clock, identity: Identity, longestMs: number): Promise<boolean> {
  const began = clock.monotonic();
  while (await isAlive(identity)) {
    if (clock.monotonic() - began > longestMs) return false;
    await clock.sleep(20);
  }
  return true;
}
