// CPU time that processes and all that they started have used, in ms: where other work runs too, it says more than a rate.
import { findTree, listProcesses } from "../../src/machine/process-table.ts";

export async function readCpuMs(roots: readonly number[]): Promise<number> {
  const rows = await listProcesses();
  const trees = roots.map((root) => findTree(rows, root));
  return rows
    .filter(({ pid }) => trees.some((tree) => tree.has(pid)))
    .reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}
