// A log file on a host: its last lines, then on request whatever comes.
import { basename } from "node:path/posix";
import type { Clock } from "../../base/clock.ts";
import type { Machine } from "../../machine/machine.ts";
import {
  findReplicaLog,
  readReplicaLogs,
  type ReplicaLog,
  type ReplicaLogs,
} from "../agent-host/replica-logs.ts";
import type { LogOptions } from "../target.ts";

const followEveryMs = 1_000;

export async function* readLogs(
  machine: Machine,
  path: string,
  options: LogOptions,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): AsyncGenerator<string> {
  const { lines, follow, releases } = options;
  if (releases) {
    yield* readReplicaLogs(findLogs(machine, path), options, { clock, signal, everyMs: followEveryMs });
    return;
  }
  if (!follow) {
    const { exitCode, stdout } = await machine.run(["tail", "-n", String(lines), "--", path]);
    if (exitCode === 0 && stdout !== "") yield stdout.endsWith("\n") ? stdout : `${stdout}\n`;
    return;
  }
  // By its name: a file that begins anew, or does not exist yet, is followed too.
  const tail = await machine.open(["tail", "-n", String(lines), "-F", "--", path], { signal });
  tail.stderr.resume();
  for await (const text of tail.stdout.setEncoding("utf8")) yield String(text);
  if (!signal.aborted) await tail.ended;
}

const listSizes = 'for path in "$0".*.log; do [ ! -f "$path" ] || echo "$(wc -c <"$path") ${path##*/}"; done';

/** Of the replicas beside the log of their service. */
function findLogs(machine: Machine, path: string): ReplicaLogs {
  const base = path.replace(/\.log$/, "");
  const pathOf = ({ release, slot }: ReplicaLog) => `${base}.${release}.${slot}.log`;
  const run = async (script: string, ...operands: string[]) => {
    const { stdout } = await machine.run(["sh", "-c", script, ...operands]);
    return stdout;
  };
  return {
    async list() {
      const rows = (await run(listSizes, base)).split("\n").map((row) => row.trim().split(" "));
      return rows.flatMap(([bytes, file = ""]) => {
        const log = findReplicaLog(file, basename(base));
        return log ? [{ ...log, bytes: Number(bytes) }] : [];
      });
    },
    tail: (log, lines) => run('tail -n "$0" -- "$1"', String(lines), pathOf(log)),
    read: (log, from, to) =>
      run('tail -c "+$0" -- "$1" | head -c "$2"', String(from + 1), pathOf(log), String(to - from)),
  };
}
