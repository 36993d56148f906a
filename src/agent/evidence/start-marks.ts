// Which start of a workload a process belongs to, wherever it has detached itself to.
import { readVariables, type ProcessRow } from "../../machine/process-table.ts";
import { strayMark } from "../../machine/start-detached.ts";

/** Remembers what it read, since what a process began with does not change until it becomes another program. */
export function createStartMarks() {
  let known = new Map<string, string | undefined>();
  return {
    /** The starts' ids by process id, of those that have one. Only Linux shows other processes' environment. */
    async read(rows: readonly ProcessRow[]): Promise<ReadonlyMap<number, string>> {
      const next = new Map<string, string | undefined>();
      const found = new Map<number, string>();
      await Promise.all(
        rows.map(async (row) => {
          const key = `${row.pid} ${row.startTime} ${row.name}`;
          const mark = known.has(key) ? known.get(key) : (await readVariables(row))?.get(strayMark);
          next.set(key, mark);
          if (mark !== undefined) found.set(row.pid, mark);
        }),
      );
      known = next;
      return found;
    },
  };
}
