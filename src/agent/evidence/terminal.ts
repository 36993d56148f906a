// What goes on in terminals: a program in the foreground, and what somebody typed. A shell that waits is no use.
import { cleanText } from "../../front/pages/clean-text.ts";
import { findTree, readArguments, type ProcessRow } from "../../machine/process-table.ts";
import { findLastInput } from "../../machine/terminal-input.ts";
import type { Evidence } from "../idle.ts";
import { isInteractiveShell } from "./shells.ts";

const longestName = 40;

/**
 * @param rows the processes of the terminals that count
 * @param all every process of the machine
 * @param where as in "a program runs in …"
 * @throws a system error when a terminal cannot be looked at
 */
export async function collectTerminalEvidence(
  rows: readonly ProcessRow[],
  all: readonly ProcessRow[],
  where: string,
): Promise<Evidence[]> {
  const found = [...Map.groupBy(rows, ({ tty }) => tty)].map(async ([tty, members]): Promise<Evidence[]> => {
    if (tty === null) return [];
    const typedAt = await findLastInput(tty);
    if (typedAt === undefined) return []; // closed a moment ago
    const program = await findProgram(members, (row) => isCarrier(row, rows, all));
    return [
      { source: `somebody typed in ${where}`, at: typedAt, key: `input ${tty}` },
      ...(program === undefined
        ? []
        : [{ source: `a program runs in ${where} (${program})`, at: "now" as const, key: `program ${tty}` }]),
    ];
  });
  return (await Promise.all(found)).flat();
}

/** How to name a program: never with its arguments, which may hold a secret. */
export function nameProgram(name: string): string {
  return cleanText(name.replace(/^.*\//, "")).slice(0, longestName) || "a program without a name";
}

/** The name of what runs in a terminal's foreground. Jobs in the background are in groups of their own. */
async function findProgram(
  members: readonly ProcessRow[],
  carries: (row: ProcessRow) => boolean,
): Promise<string | undefined> {
  const foreground = members.filter(({ group, foreground }) => group === foreground);
  // The leader of its group first: in `python train.py | tee log` that is python.
  const inOrder = foreground.toSorted((a, b) => Number(b.pid === b.group) - Number(a.pid === a.group));
  for (const row of inOrder) {
    if (!carries(row) && !isInteractiveShell(await readArguments(row))) return nameProgram(row.name);
  }
  return undefined;
}

const wrappers = new Set(["sudo", "su", "doas", "script"]);
const multiplexers = /^(tmux|tmux: client|screen)$/;
const multiplexerServers = /^(tmux|tmux: server|screen|SCREEN)$/;

/** Whether it only shows another terminal that is looked at itself: `sudo` gives its command one, `tmux` each window. */
function isCarrier(row: ProcessRow, rows: readonly ProcessRow[], all: readonly ProcessRow[]): boolean {
  const others = rows.filter(({ tty }) => tty !== row.tty);
  if (wrappers.has(row.name)) {
    const below = findTree(all, row.pid);
    return others.some(({ pid }) => below.has(pid));
  }
  if (!multiplexers.test(row.name)) return false;
  const servers = new Set(all.filter(({ name }) => multiplexerServers.test(name)).map(({ pid }) => pid));
  return others.some(({ parent }) => servers.has(parent));
}
