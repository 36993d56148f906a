// What Sesta itself recorded about the lab: its state now, and when each change of state happened.
import { setTimeout as delay } from "node:timers/promises";
import type { CommandLine } from "./command-line.ts";

type Status = { gateway: { url: string | null }; workloads: { state: string; url: string | null }[] };
type History = { events: { at: string; to: string }[] };

/** Addresses of the gateway and of the lab. @throws Error when no gateway runs */
export async function getAddresses(sesta: CommandLine): Promise<{ gateway: string; lab: string }> {
  const { gateway, workloads } = (await sesta.json(["status"])) as Status;
  const lab = workloads[0]?.url;
  if (!gateway.url || !lab) throw new Error("the gateway does not run");
  return { gateway: gateway.url, lab };
}

/** Resolves when the lab is asleep. @throws Error when it is not within `longestMs` */
export async function untilAsleep(sesta: CommandLine, longestMs: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + longestMs;
  for (;;) {
    const { workloads } = (await sesta.json(["status"])) as Status;
    const state = workloads[0]?.state;
    if (state === "asleep") return;
    if (performance.now() > end) throw new Error(`it should be asleep by now, and is ${state}`);
    await delay(300, undefined, { signal });
  }
}

/** How long the latest stay in `state` lasted, in milliseconds, by the agent's own clock. */
export async function findLastStay(sesta: CommandLine, state: string): Promise<number | undefined> {
  const { events } = (await sesta.json(["history"])) as History;
  const began = events.findLastIndex(({ to }) => to === state);
  const [from, until] = [events[began], events[began + 1]];
  return from && until ? Date.parse(until.at) - Date.parse(from.at) : undefined;
}
