// Waits until a started process answers, and knows whether it was its own process that did.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { SestaError } from "../base/errors.ts";
import { isAlive, type Identity } from "../machine/identity.ts";
import { findListeningPorts } from "../machine/listening.ts";
import type { DoorAddress } from "../model/agent-protocol.ts";
import type { Launch } from "../model/launch.ts";
import type { Container } from "./container.ts";
import { send } from "./loopback.ts";
import { countKernelKills } from "./service/memory.ts";

const askEveryMs = 10;

export type Answering = {
  clock: Clock;
  launch: Launch;
  identity: Identity;
  address: DoorAddress;
  /** The folder of this start. */
  runtime: string;
  container: Container | undefined;
  /** The port is bound; called once. */
  bound: () => void;
};

/**
 * A port can be taken by anybody, so an answer alone proves nothing:
 * the file that our own process writes after it has bound the port must be there first.
 * @throws SestaError START_FAILED, or the signal's reason
 */
export async function untilAnswering(answering: Answering, signal: AbortSignal): Promise<void> {
  const { clock, launch, identity, address, runtime, container, bound } = answering;
  const { startTimeoutMs } = launch.process;
  const [began, killsBefore] = [clock.monotonic(), await countKernelKills()];
  let shown = false;
  let answered = 0;
  for (;;) {
    signal.throwIfAborted();
    if (!(await isAlive(identity))) {
      const why = container
        ? `: ${await container.explainEnd((await countKernelKills()) > killsBefore)}`
        : "";
      throw new SestaError("START_FAILED", `${launch.title} ended while it started${why}`);
    }
    if (isBound(launch, identity, runtime)) {
      if (!shown) bound();
      shown = true;
      const status = await send("GET", address, launch.door.healthPath).catch(() => 0);
      answered = status;
      if (isWell(status) && (await isOwn(answering))) return;
    }
    const waitedMs = clock.monotonic() - began;
    if (waitedMs > startTimeoutMs) {
      throw new SestaError(
        "START_FAILED",
        `${launch.title} did not answer within ${Math.round(startTimeoutMs / 1000)} s${await explainSilence(answering, answered)}`,
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
async function isOwn({ launch, identity, address, container }: Answering): Promise<boolean> {
  if (container) return container.isRunning(); // it is not while somebody else has its port
  if (launch.process.boundFile !== undefined) return true;
  const ports = await findListeningPorts(identity.pid);
  return ports === undefined || ports.has(address.port);
}

/** A program that listens elsewhere than where it was told to is the most common reason. */
async function explainSilence(
  { launch, identity, address, container }: Answering,
  answered: number,
): Promise<string> {
  const unwell =
    answered === 0
      ? `${launch.door.healthPath} does not answer 200`
      : `${launch.door.healthPath} answers ${answered}, not 200; \`health:\` names another path`;
  if (container) return explainContainer(container, unwell);
  if (!launch.service) return "";
  const ports = await findListeningPorts(identity.pid);
  if (ports === undefined) return "";
  if (ports.has(address.port)) return `: ${unwell}`;
  if (ports.size === 0) return ": it listens on no port; it must listen on $PORT";
  return `: it listens on port ${[...ports].join(", ")}, not on $PORT (${address.port}); let it listen on $PORT`;
}

async function explainContainer(container: Container, unwell: string): Promise<string> {
  const found = await container.listens();
  const { appPort } = container;
  if (found === undefined) return "";
  if (found.length === 0) return `: it listens on no port in its container; it must listen on ${appPort}`;
  const there = found.filter(({ port }) => port === appPort);
  if (there.some(({ loopback }) => !loopback)) return `: ${unwell}`;
  if (there.length > 0)
    return `: it listens on 127.0.0.1:${appPort} in its container, where nobody reaches it; let it listen on 0.0.0.0`;
  const ports = [...new Set(found.map(({ port }) => port))];
  return `: it listens on port ${ports.join(", ")} in its container, not on ${appPort}; set \`app_port: ${ports[0]}\``;
}

/** Whether the process has said that it has bound its port. */
export function isBound({ process }: Launch, { pid }: Identity, runtime: string): boolean {
  return (
    process.boundFile === undefined ||
    existsSync(join(runtime, process.boundFile.replace("{pid}", String(pid))))
  );
}
