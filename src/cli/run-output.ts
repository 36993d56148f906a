// Shows what a run prints while it goes on: byte for byte for one machine, line by line with its rank for several.
import { once } from "node:events";
import type { Writable } from "node:stream";
import type { Run } from "../model/run.ts";
import type { Listener } from "../operations/jobs/follow.ts";
import { formatMs } from "./durations.ts";
import type { Reporter } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** Bytes; a longer one of a run on several machines comes in parts. */
const longestLine = 64 * 1024;

/**
 * @param streams where standard output and the rest go; with `--json` both to stderr
 * @param reporter shows what is waited for, where lines can be redrawn
 */
export function createRunOutput(
  { nodes, id, settings }: Run,
  streams: { out: Writable; err: Writable },
  reporter: Reporter,
  terminal: Terminal,
): Listener & { end(): void } {
  const parts = new Map<string, Buffer>();
  const isOne = nodes.length === 1;
  /** What was said last of a machine: each of its streams notices by itself. */
  const told = new Map<string, string>();
  let begun = false;

  const begin = () => {
    if (!begun) reporter.end();
    begun = true;
  };
  // What goes to a file of its own is the program's result; where there is one, the rest is talk.
  const sinkOf = (stream: string) =>
    stream === "stdout" || settings.stdout === undefined ? streams.out : streams.err;
  const label = (node: number) => `[${node} ${nodes[node]?.machine ?? ""}] `;

  return {
    async bytes(node, stream, chunk) {
      begin();
      const to = sinkOf(stream);
      if (isOne) return write(to, chunk);
      const key = `${node}/${stream}`;
      const text = Buffer.concat([parts.get(key) ?? Buffer.alloc(0), chunk]);
      const last = text.length > longestLine ? text.length : text.lastIndexOf(0x0a) + 1;
      parts.set(key, text.subarray(last));
      if (last > 0) await write(to, prefixLines(text.subarray(0, last), label(node)));
    },
    state(node, state) {
      if (state.kind !== "waiting") return;
      const line = state.place === null ? "starting" : `queued, number ${state.place} in the line`;
      reporter.show(`${id}: ${isOne ? "" : label(node)}${line} …`);
    },
    trouble(machine, problem) {
      const text = problem
        ? `the connection to ${machine} broke (${problem.error.message}); the run goes on there, next try in ${formatMs(problem.retryMs)}`
        : `${machine} is back`;
      if (told.get(machine) === text) return;
      told.set(machine, text);
      terminal.err(`${terminal.paint("yellow", "!")} ${text}\n`);
    },
    end() {
      begin();
      for (const [key, rest] of parts) {
        const [node = "", stream = ""] = key.split("/");
        if (rest.length > 0) sinkOf(stream).write(prefixLines(rest, label(Number(node))));
      }
    },
  };
}

async function write(to: Writable, chunk: Uint8Array): Promise<void> {
  if (!to.write(chunk)) await once(to, "drain");
}

/** Bytes, since a line may be no UTF-8. */
function prefixLines(text: Buffer, label: string): Buffer {
  const lines: Buffer[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf(0x0a, at) + 1 || text.length;
    lines.push(Buffer.from(label), text.subarray(at, end));
    at = end;
  }
  return Buffer.concat(lines);
}
