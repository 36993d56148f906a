// A log file on a host: its last lines, then on request whatever comes.
import type { Machine } from "../../machine/machine.ts";
import type { LogOptions } from "../target.ts";

export async function* readLogs(
  machine: Machine,
  path: string,
  { lines, follow }: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<string> {
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
