// Brings the output of a run over as it grows: every byte once, whatever becomes of the connection meanwhile.
import { createInterface } from "node:readline";
import type { Clock } from "../../base/clock.ts";
import { SestaError } from "../../base/errors.ts";
import { buildScriptArgv, ensureScripts, type Host } from "../host.ts";
import { parseRunFacts, type RunFacts } from "./contact.ts";
import { runFolder } from "./submit.ts";

export type RunStream = "output" | "stdout";

export type FollowState =
  | { kind: "waiting"; place: number | null }
  | { kind: "running" }
  | { kind: "ended"; facts: RunFacts }
  /** Its folder is not on the machine. */
  | { kind: "gone" };

export type FollowOptions = {
  stream: RunStream;
  /** How many bytes are known already. */
  offset: number;
  /** Awaited, so that a slow reader slows the sender. */
  onBytes: (bytes: Buffer) => Promise<void> | void;
  onState: (state: FollowState) => void;
  /** The connection broke and is tried again after `retryMs`; undefined: it is back. */
  onBreak: (problem: { error: SestaError; retryMs: number } | undefined) => void;
  clock: Clock;
  signal: AbortSignal;
};

const firstRetryMs = 1_000;
const longestRetryMs = 15_000;

/** Until the run is over and all of it was brought, its folder is gone, or the signal aborts. Returns how many bytes are known then. */
export async function followRun(host: Host, id: string, options: FollowOptions): Promise<number> {
  const { clock, signal, onBreak } = options;
  let offset = options.offset;
  let retryMs = firstRetryMs;
  let isBroken = false;
  const count = (bytes: number) => {
    offset += bytes;
    retryMs = firstRetryMs;
    if (isBroken) onBreak(undefined);
    isBroken = false;
  };
  while (!signal.aborted) {
    try {
      if (await followOnce(host, id, options, offset, count)) return offset;
      await clock.sleep(100, signal).catch(() => undefined);
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof SestaError) || error.code !== "SSH_CONNECTION") throw error;
      isBroken = true;
      onBreak({ error, retryMs });
      await clock.sleep(retryMs, signal).catch(() => undefined);
      retryMs = Math.min(longestRetryMs, retryMs * 2);
    }
  }
  return offset;
}

/** Whether the run is over and everything came, or nothing more can come. */
async function followOnce(
  host: Host,
  id: string,
  { stream, onBytes, onState, signal }: FollowOptions,
  from: number,
  count: (bytes: number) => void,
): Promise<boolean> {
  const operands = [runFolder(host, id), stream, String(from + 1)];
  const process = await host.machine.open(buildScriptArgv(host.base, "follow.sh", operands), { signal });
  let here = from;
  let size: number | undefined;
  let isGone = false;
  const isWhole = () => isGone || (size !== undefined && here >= size);
  const states = createInterface({ input: process.stderr });
  states.on("line", (line) => {
    const state = parseState(line);
    if (!state) return;
    count(0);
    onState(state.state);
    isGone = state.state.kind === "gone";
    size = state.size ?? size;
    if (isWhole()) process.stop();
  });
  const ended = process.ended;
  ended.catch(() => undefined); // awaited below
  try {
    for await (const chunk of process.stdout as AsyncIterable<Buffer>) {
      await onBytes(chunk);
      here += chunk.length;
      count(chunk.length);
      if (isWhole()) process.stop();
    }
  } catch (error) {
    process.stop();
    if (!signal.aborted && !isWhole())
      throw await ended.then(
        () => error,
        (broken: unknown) => broken,
      );
  } finally {
    states.close();
    process.stdin.end();
  }
  if (isWhole() || signal.aborted) {
    process.stop();
    return isWhole();
  }
  const { exitCode } = await ended; // not stopped before: then it would not tell that the connection broke
  if (exitCode === 97) await ensureScripts(host.machine);
  return isWhole();
}

/** One line of follow.sh's stderr; undefined for what is none, as a shell's own complaint. */
function parseState(line: string): { state: FollowState; size?: number } | undefined {
  const [said = "", ...facts] = line.split("\t");
  const [word, number = ""] = said.split(" ");
  if (word === "gone") return { state: { kind: "gone" } };
  if (word === "run") return { state: { kind: "running" } };
  if (word === "wait") return { state: { kind: "waiting", place: number === "" ? null : Number(number) } };
  if (word === "ended" && /^\d+$/.test(number))
    return { state: { kind: "ended", facts: parseRunFacts(facts.join("\t")) }, size: Number(number) };
  return undefined;
}
