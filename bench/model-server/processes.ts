// A server's processes as the kernel lists them: their memory, and their end.
import { readdirSync, readFileSync } from "node:fs";

/** Of a process and all that come from it: shared pages once (PSS), and as each process counts them (RSS). */
export function readMemory(pid: number): { pssMiB: number; rssMiB: number; processes: number } {
  const found = listTree(pid).flatMap((one) => {
    try {
      return [readFileSync(`/proc/${one}/smaps_rollup`, "utf8")];
    } catch {
      return []; // it ended meanwhile
    }
  });
  const sum = (field: string) =>
    found.reduce(
      (total, text) => total + Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0),
      0,
    ) / 1024;
  return { pssMiB: sum("Pss"), rssMiB: sum("Rss"), processes: found.length };
}

export function killTree(pid: number): void {
  for (const one of listTree(pid)) {
    try {
      process.kill(one, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
}

function listTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const [, parent] = readFileSync(`/proc/${entry}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ");
      parents.set(Number(entry), Number(parent));
    } catch {
      // It ended meanwhile.
    }
  }
  const tree = [root];
  for (const one of tree) for (const [pid, parent] of parents) if (parent === one) tree.push(pid);
  return tree;
}
