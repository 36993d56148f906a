// The last lines of what a run printed, and the byte at which they end.
import { SestaError } from "../../base/errors.ts";
import type { Host } from "../../machine/host.ts";
import { runFolder } from "../../machine/runs/submit.ts";
import type { RunStream } from "../../machine/runs/follow.ts";

const noRunExit = 9;

/** So much of a file's end is looked at, however long its lines are. */
const blockBytes = 1 << 20;

/**
 * @returns bytes as they were written, and how many come before and with them
 * @throws SestaError UNKNOWN_RUN when the machine has nothing of the run any more
 */
export async function tailRun(
  { machine, base }: Host,
  id: string,
  stream: RunStream,
  lines: number,
): Promise<{ bytes: Buffer; end: number }> {
  const file = `${runFolder({ base }, id)}/${stream}`;
  const script =
    `[ -d "\${1%/*}" ] || exit ${noRunExit}; ` +
    'size=$(($(wc -c <"$1"))) || exit 3; echo $size; from=$((size > $2 ? size - $2 : 0)); ' +
    'tail -c "+$((from + 1))" "$1" | head -c $((size - from))';
  const process = await machine.open(["sh", "-c", script, "sh", file, String(blockBytes)]);
  process.stdin.end();
  process.stderr.resume();
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdout as AsyncIterable<Buffer>) chunks.push(chunk);
  const { exitCode } = await process.ended;
  if (exitCode === noRunExit) {
    throw new SestaError("UNKNOWN_RUN", `Nothing of ${id} is on ${machine.name} any more`, {
      hint: "`sesta runs` shows what became of it.",
    });
  }
  if (exitCode !== 0) return { bytes: Buffer.alloc(0), end: 0 };
  const all = Buffer.concat(chunks);
  const head = all.indexOf(0x0a);
  return { bytes: lastLines(all.subarray(head + 1), lines), end: Number(all.subarray(0, head).toString()) };
}

function lastLines(text: Buffer, lines: number): Buffer {
  let from = text.length - (text.at(-1) === 0x0a ? 1 : 0);
  for (let count = 0; count < lines; count++) {
    from = from <= 0 ? -1 : text.lastIndexOf(0x0a, from - 1); // a negative place would count from the end
    if (from < 0) return text;
  }
  return text.subarray(from + 1);
}
