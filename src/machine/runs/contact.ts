// Asks a machine how its runs are; on the way each gets its supervisor back, where that was lost.
import { SestaError } from "../../base/errors.ts";
import { runScript, type Host } from "../host.ts";
import { runsFolder } from "./submit.ts";

/** What the files of a run say. Times are seconds since the epoch, null where nothing is known yet. */
export type RunFacts = {
  id: string;
  /** Its folder is not there. */
  gone: boolean;
  isSupervised: boolean;
  isProgramAlive: boolean;
  place: number | null;
  /** It waits for the other machines. */
  isReady: boolean;
  startedS: number | null;
  attempts: number;
  heartbeatS: number | null;
  peakKb: number | null;
  ended: RunEnd | null;
  /** Bytes. */
  outputBytes: number;
  stdoutBytes: number | null;
};

export type RunEnd = {
  code: number;
  /** exit, signal, oom, killed, reboot, partial, links, timeout, rendezvous, or the word with which it was asked to stop. */
  reason: string;
  atS: number;
  limitKb: number | null;
};

/** @param more ends a question that takes too long, or with the command */
export async function contactRuns(
  host: Host,
  ids: readonly string[],
  more: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<RunFacts[]> {
  if (ids.length === 0) return [];
  const ran = await runScript(host, "contact.sh", [runsFolder(host), ...ids], more);
  if (ran.exitCode !== 0) {
    throw new SestaError("COMMAND_FAILED", "Its runs could not be looked at", {
      where: host.machine.name,
      problems: ran.stderr.trim().split("\n").slice(-5),
    });
  }
  return ran.stdout.split("\n").flatMap((line) => (line === "" ? [] : [parseRunFacts(line)]));
}

/** One line of contact.sh. */
export function parseRunFacts(line: string): RunFacts {
  const [id = "", supervisor, program, place, ready, started, attempt, heartbeat, ended, output, stdout] =
    line.split("\t");
  const [heartbeatS, sampledKb] = (heartbeat ?? "-").split(" ");
  // What is said at the end knows more than what was sampled on the way.
  const peakKb = /\bpeak_kb=([1-9]\d*)/.exec(ended ?? "")?.[1] ?? sampledKb;
  return {
    id,
    gone: supervisor === "gone",
    isSupervised: supervisor === "alive",
    isProgramAlive: program === "alive",
    place: parseCount(place),
    isReady: parseCount(ready) !== null,
    startedS: parseCount(started),
    attempts: parseCount(attempt) ?? 0,
    heartbeatS: parseCount(heartbeatS),
    peakKb: parseCount(peakKb),
    ended: parseEnd(ended ?? "-"),
    outputBytes: parseCount(output) ?? 0,
    stdoutBytes: parseCount(stdout),
  };
}

function parseEnd(text: string): RunEnd | null {
  const parts = new Map(text.split(" ").map((part) => part.split("=", 2) as [string, string]));
  const code = parseCount(parts.get("code"));
  if (code === null) return null;
  return {
    code,
    reason: parts.get("reason") ?? "exit",
    atS: parseCount(parts.get("at")) ?? 0,
    limitKb: parseCount(parts.get("limit_kb")),
  };
}

function parseCount(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
