// Waits until a started process answers, and knows whether it was its own process that did.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { SestaError } from "../base/errors.ts";
import { isAlive, type Identity } from "../machine/identity.ts";
import type { DoorAddress } from "../model/agent-protocol.ts";
import type { Launch } from "../model/launch.ts";
import { send } from "./loopback.ts";

const askEveryMs = 10;

export type Answering = {
  clock: Clock;
  launch: Launch;
  identity: Identity;
  address: DoorAddress;
  /** The folder of this start. */
  runtime: string;
  /** The port is bound; called once. */
  bound: () => void;
};

/**
 * A port can be taken by anybody, so an answer alone proves nothing:
 * the file that our own process writes after it has bound the port must be there first.
 * @throws SestaError START_FAILED, or the signal's reason
 */
export async function untilAnswering(answering: Answering, signal: AbortSignal): Promise<void> {
  const { clock, launch, identity, address, runtime, bound } = answering;
  const { startTimeoutMs } = launch.process;
  const began = clock.monotonic();
  let shown = false;
  for (;;) {
    signal.throwIfAborted();
    if (!(await isAlive(identity)))
      throw new SestaError("START_FAILED", `${launch.title} ended while it started`);
    if (isBound(launch, identity, runtime)) {
      if (!shown) bound();
      shown = true;
      const status = await send("GET", address, launch.door.healthPath).catch(() => 0);
      if (status === 200) return;
    }
    const waitedMs = clock.monotonic() - began;
    if (waitedMs > startTimeoutMs) {
      throw new SestaError(
        "START_FAILED",
        `${launch.title} did not answer within ${Math.round(startTimeoutMs / 1000)} s`,
      );
    }
    await clock.sleep(askEveryMs, signal);
  }
}

/** Whether the process has said that it has bound its port. */
export function isBound({ process }: Launch, { pid }: Identity, runtime: string): boolean {
  return (
    process.boundFile === undefined ||
    existsSync(join(runtime, process.boundFile.replace("{pid}", String(pid))))
  );
}
