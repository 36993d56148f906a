// The logs of a service's replicas as one: each line with whose it is, then on request whatever comes, also of new ones.
import type { Clock } from "../../base/clock.ts";
import type { LogOptions } from "../target.ts";

export type ReplicaLog = { release: number; slot: number; bytes: number };

/** The files NAME.RELEASE.SLOT.log of one service where they are. */
export type ReplicaLogs = {
  list(): Promise<ReplicaLog[]>;
  tail(log: ReplicaLog, lines: number): Promise<string>;
  /** The bytes from `from` up to `to`. */
  read(log: ReplicaLog, from: number, to: number): Promise<string>;
};

export type Watching = { clock: Clock; signal: AbortSignal; everyMs: number };

/** The last lines of each replica of these releases, in this order; `follow` goes on with all releases. */
export async function* readReplicaLogs(
  logs: ReplicaLogs,
  { lines, follow, releases = [] }: LogOptions,
  { clock, signal, everyMs }: Watching,
): AsyncGenerator<string> {
  const seen = new Map<string, { end: number; rest: string }>();
  const order = ({ release, slot }: ReplicaLog) => releases.indexOf(release) * 1_000 + slot;
  for (const log of (await logs.list()).toSorted((a, b) => order(a) - order(b))) {
    seen.set(nameOf(log), { end: log.bytes, rest: "" });
    if (!releases.includes(log.release)) continue;
    const text = await logs.tail(log, lines);
    if (text !== "") yield mark(log, text.replace(/\n$/, "").split("\n"));
  }
  if (!follow) return;
  while (!signal.aborted) {
    await clock.sleep(everyMs, signal).catch(() => undefined);
    for (const log of signal.aborted ? [] : await logs.list()) {
      const before = seen.get(nameOf(log)) ?? { end: 0, rest: "" };
      const from = log.bytes < before.end ? 0 : before.end; // it was begun anew
      if (log.bytes === from) continue;
      const whole = (before.rest + (await logs.read(log, from, log.bytes))).split("\n");
      seen.set(nameOf(log), { end: log.bytes, rest: whole.pop() ?? "" });
      if (whole.length > 0) yield mark(log, whole);
    }
  }
}

/** The release and the slot of such a file; undefined for any other. */
export function findReplicaLog(file: string, name: string): Omit<ReplicaLog, "bytes"> | undefined {
  if (!file.startsWith(`${name}.`)) return undefined;
  const [, release, slot] = /^(\d+)\.(\d+)\.log$/.exec(file.slice(name.length + 1)) ?? [];
  return release === undefined ? undefined : { release: Number(release), slot: Number(slot) };
}

function nameOf({ release, slot }: ReplicaLog): string {
  return `${release}.${slot}`;
}

function mark(log: ReplicaLog, lines: readonly string[]): string {
  return lines.map((line) => `${nameOf(log)} | ${line}\n`).join("");
}
