// A log file of this machine: its last lines, then on request whatever comes.
import { open, readdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../../base/clock.ts";
import {
  findReplicaLog,
  readReplicaLogs,
  type ReplicaLog,
  type ReplicaLogs,
} from "../agent-host/replica-logs.ts";
import type { LogOptions } from "../target.ts";

const followEveryMs = 200;
const blockBytes = 64 * 1024;

export async function* readLogs(
  path: string,
  options: LogOptions,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): AsyncGenerator<string> {
  if (options.releases) {
    yield* readReplicaLogs(findLogs(path), options, { clock, signal, everyMs: followEveryMs });
    return;
  }
  const tail = await readTail(path, options.lines);
  if (tail.text !== "") yield tail.text;
  let offset = tail.end;
  while (options.follow && !signal.aborted) {
    await clock.sleep(followEveryMs, signal).catch(() => undefined);
    const more = await readFrom(path, offset);
    offset = more.end;
    if (more.text !== "") yield more.text;
  }
}

/** Of the replicas beside the log of their service. */
function findLogs(path: string): ReplicaLogs {
  const base = path.replace(/\.log$/, "");
  const pathOf = ({ release, slot }: Omit<ReplicaLog, "bytes">) => `${base}.${release}.${slot}.log`;
  const name = base.slice(dirname(base).length + 1);
  return {
    async list() {
      const files = await readdir(dirname(base)).catch(() => []);
      const found = files.flatMap((file) => findReplicaLog(file, name) ?? []);
      const sized = found.map(async (log) => ({ ...log, bytes: await findSize(pathOf(log)) }));
      return Promise.all(sized);
    },
    tail: async (log, lines) => (await readTail(pathOf(log), lines)).text,
    read: async (log, from, to) => (await readFrom(pathOf(log), from, to - from, to)).text,
  };
}

async function findSize(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function readTail(path: string, lines: number): Promise<{ text: string; end: number }> {
  const { text, end } = await readFrom(path, 0, blockBytes * 16);
  const all = text.split("\n");
  const complete = all.at(-1) === "" ? all.slice(0, -1) : all;
  const last = complete.slice(-lines);
  return { text: last.length === 0 ? "" : `${last.join("\n")}\n`, end };
}

/** From `offset` to the end; a file that has become shorter was begun anew. @param longest only so many bytes of the end, which is at `to` */
async function readFrom(
  path: string,
  offset: number,
  longest = Infinity,
  to = Infinity,
): Promise<{ text: string; end: number }> {
  const file = await open(path, "r").catch(() => undefined);
  if (!file) return { text: "", end: 0 };
  try {
    const size = Math.min(to, (await file.stat()).size);
    const from = Math.max(size < offset ? 0 : offset, size - longest);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    return { text: buffer.subarray(0, bytesRead).toString("utf8"), end: from + bytesRead };
  } finally {
    await file.close();
  }
}
