// How much memory a process and what it started take, and whether the system ended something for want of it.
import { readFile } from "node:fs/promises";
import { findTree, listProcesses } from "../../machine/process-table.ts";

/** Bytes in memory of all of them, shared pages once for each; undefined where the system does not tell. */
export async function readTreeMemory(root: number): Promise<number | undefined> {
  if (process.platform !== "linux") return undefined;
  const rows = await listProcesses();
  const tree = findTree(rows, root);
  const pids = rows.filter(({ pid, group }) => tree.has(pid) || group === root).map(({ pid }) => pid);
  const each = await Promise.all(pids.map(readResident));
  return each.reduce((sum, bytes) => sum + bytes, 0);
}

/** How many processes the kernel ended for want of memory since it began, in any cgroup: proc_vmstat(5). */
export async function countKernelKills(): Promise<number> {
  const text = await readFile("/proc/vmstat", "utf8").catch(() => "");
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** proc_pid_smaps_rollup(5): the proportional share, so that forked workers do not count what they share twice. */
async function readResident(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}
