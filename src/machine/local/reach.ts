// What of a started program a signal reaches: its group, or all that descends from it.
import type { ChildProcess } from "node:child_process";
import { findTree, listProcesses } from "../process-table.ts";

type Reach = {
  signal(name: NodeJS.Signals): void;
  /** Whether anything of it is left; what has ended and was not reaped is not. */
  lives(): Promise<boolean>;
};

/** Of one that leads a group of its own. */
export function reachGroup({ pid }: ChildProcess): Reach {
  const kill = (name: NodeJS.Signals | 0) => pid !== undefined && tryKill(-pid, name);
  const lives = async () =>
    kill(0) && (await listProcesses().catch(() => [])).some(({ group }) => group === pid);
  return { signal: kill, lives };
}

/** Of one that is in the group of this process. What was reached once is reached again, also when its parent has ended. */
export function reachTree(child: ChildProcess): Reach {
  const known = new Map<number, string>();
  const signal = async (name: NodeJS.Signals) => {
    const rows = await listProcesses().catch(() => []);
    const byPid = new Map(rows.map((row) => [row.pid, row]));
    const { pid, exitCode, signalCode } = child;
    const isThere = pid !== undefined && exitCode === null && signalCode === null;
    const roots = [...known.keys()].filter((one) => byPid.get(one)?.startTime === known.get(one));
    for (const root of isThere ? [...roots, pid] : roots)
      for (const one of findTree(rows, root)) known.set(one, byPid.get(one)?.startTime ?? "");
    for (const [one, startTime] of known) if (byPid.get(one)?.startTime === startTime) tryKill(one, name);
    if (isThere && !byPid.has(pid)) child.kill(name); // the machine shows no processes
  };
  return {
    signal: (name) => void signal(name),
    async lives() {
      const rows = await listProcesses().catch(() => []);
      return rows.some(({ pid, startTime }) => pid !== child.pid && known.get(pid) === startTime);
    },
  };
}

function tryKill(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // all of it has ended
  }
}
