// Watches a replica that is up: asks whether it is well, looks whether it lives and what memory it takes.
import type { Clock } from "../../base/clock.ts";
import { isAlive, type Identity } from "../../machine/identity.ts";
import type { DoorAddress } from "../../model/agent-protocol.ts";
import type { HealthRule } from "../../model/launch.ts";
import { formatSize } from "../../model/size.ts";
import { isWell } from "../answering.ts";
import type { Container } from "../container.ts";
import { send } from "../loopback.ts";
import { countKernelKills, readTreeMemory } from "./memory.ts";

export type WatchedReplica = {
  clock: Clock;
  identity: Identity;
  address: DoorAddress;
  health: HealthRule;
  memoryBytes: number | null;
  /** Its engine holds it to its limits. */
  container: Container | undefined;
};

export type ReplicaEvents = {
  /** It answers again, or has not answered so often that it gets no more requests. */
  well(isWell: boolean): void;
  /** It has run long enough that earlier failures do not count. */
  proven(): void;
};

const lookEveryMs = 200;
const weighEveryMs = 1_000;
const provenMs = 60_000;

/**
 * Resolves with why it has to be started again.
 * @throws the signal's reason
 */
export async function watchReplica(
  replica: WatchedReplica,
  on: ReplicaEvents,
  signal: AbortSignal,
): Promise<string> {
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  const watches = [
    untilGone(replica, on, either),
    untilUnwell(replica, on, either),
    untilTooLarge(replica, either),
  ];
  try {
    return await Promise.race(watches);
  } finally {
    done.abort();
    await Promise.allSettled(watches);
  }
}

async function untilGone(
  { clock, identity, container, memoryBytes }: WatchedReplica,
  on: ReplicaEvents,
  signal: AbortSignal,
): Promise<string> {
  const [began, killsBefore] = [clock.monotonic(), await countKernelKills()];
  let isProven = false;
  for (;;) {
    await clock.sleep(lookEveryMs, signal);
    if (!(await isAlive(identity))) break;
    if (isProven || clock.monotonic() - began < provenMs) continue;
    isProven = true;
    on.proven();
  }
  const killed = (await countKernelKills()) > killsBefore;
  if (container) return container.explainEnd(killed);
  if (!killed) return "it ended by itself";
  const limit = memoryBytes === null ? "" : `; its limit is ${formatSize(memoryBytes)}`;
  return `it was ended by the system for want of memory (OOM)${limit}`;
}

async function untilUnwell(
  { clock, address, health }: WatchedReplica,
  on: ReplicaEvents,
  signal: AbortSignal,
): Promise<string> {
  let failures = 0;
  for (;;) {
    await clock.sleep(health.everyMs, signal);
    const status = await send("GET", address, health.path, health.timeoutMs).catch(() => 0);
    signal.throwIfAborted();
    if (isWell(status)) {
      if (failures >= health.failures) on.well(true);
      failures = 0;
      continue;
    }
    failures += 1;
    if (failures === health.failures) on.well(false);
    if (failures >= 2 * health.failures) {
      const how = status === 0 ? "no answer" : `status ${status}`;
      return `${health.path} failed ${failures} times in a row (${how})`;
    }
  }
}

async function untilTooLarge(
  { clock, identity, memoryBytes: limit, container }: WatchedReplica,
  signal: AbortSignal,
): Promise<string> {
  const memoryBytes = container ? null : limit;
  for (;;) {
    await clock.sleep(memoryBytes === null ? 3_600_000 : weighEveryMs, signal);
    if (memoryBytes === null) continue;
    const bytes = (await readTreeMemory(identity.pid)) ?? 0;
    if (bytes > memoryBytes)
      return `OOM: it took ${formatSize(bytes)}, more than its limit of ${formatSize(memoryBytes)}`;
  }
}
