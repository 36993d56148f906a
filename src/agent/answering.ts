// Waits until a started process answers, and knows whether it was its own process that did.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { SestaError } from "../base/errors.ts";
import { isAlive, type Identity } from "../machine/identity.ts";
import { findListeningPorts } from "../machine/listening.ts";
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
      if (isWell(status) && (await isOwn(answering))) return;
    }
    const waitedMs = clock.monotonic() - began;
    if (waitedMs > startTimeoutMs) {
      throw new SestaError(
        "START_FAILED",
        `${launch.title} did not answer within ${Math.round(startTimeoutMs / 1000)} s${await explainSilence(answering)}`,
      );
    }
    await clock.sleep(askEveryMs, signal);
  }
}

/** Redirects and refusals are no answer. */
export function isWell(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Where nothing tells that our own process has bound the port, the system is asked. */
async function isOwn({ launch, identity, address }: Answering): Promise<boolean> {
  if (launch.process.boundFile !== undefined || launch.service?.container) return true;
  const ports = await findListeningPorts(identity.pid);
  return ports === undefined || ports.has(address.port);
}

/** A program that listens elsewhere than where it was told to is the most common reason. */
async function explainSilence({ launch, identity, address }: Answering): Promise<string> {
  if (!launch.service || launch.service.container) return "";
  const ports = await findListeningPorts(identity.pid);
  if (ports === undefined) return "";
  if (ports.has(address.port)) return `: ${launch.door.healthPath} does not answer 200 on its $PORT`;
  if (ports.size === 0) return ": it listens on no port; it must listen on $PORT";
  return `: it listens on port ${[...ports].join(", ")}, not on $PORT (${address.port}); let it listen on $PORT`;
}

/** Whether the process has said that it has bound its port. */
export function isBound({ process }: Launch, { pid }: Identity, runtime: string): boolean {
  return (
    process.boundFile === undefined ||
    existsSync(join(runtime, process.boundFile.replace("{pid}", String(pid))))
  );
}
