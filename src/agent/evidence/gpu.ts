// How busy the machine's GPUs are at this moment.
import { messageOf } from "../../base/errors.ts";
import type { Machine } from "../../machine/machine.ts";

const timeoutMs = 10_000;

/** In percent, of the busiest. @throws when nvidia-smi is missing or says no such thing */
export async function readGpuPercent(machine: Machine): Promise<number> {
  const ran = await machine.run(
    ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"],
    { timeoutMs },
  );
  if (ran.exitCode !== 0) throw new Error(`nvidia-smi ended with ${ran.exitCode}`);
  return parseGpuPercent(ran.stdout);
}

/** One line for each GPU. @throws when one of them is no number, as "[N/A]" */
export function parseGpuPercent(text: string): number {
  const lines = text.trim().split("\n");
  const values = lines.map((line) => (/^\s*\d+(\.\d+)?\s*$/.test(line) ? Number(line) : NaN));
  if (values.some(Number.isNaN)) throw new Error("nvidia-smi does not say how busy the GPUs are");
  return Math.max(...values);
}

/** The words for a value that could not be found out. */
export function explainUnknownGpu(error: unknown): string {
  return `how busy the GPUs are could not be found out (${messageOf(error)}); that counts as use`;
}
