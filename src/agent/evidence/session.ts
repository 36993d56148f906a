// What people do on this machine beside its workload: programs in terminals, and programs over SSH without one.
import { connectionMark } from "../../machine/own-connection.ts";
import { findTree, readArguments, readVariables, type ProcessRow } from "../../machine/process-table.ts";
import type { Evidence } from "../idle.ts";
import { isInteractiveShell } from "./shells.ts";
import { collectTerminalEvidence, nameProgram } from "./terminal.ts";

/** sshd's title for the process of a connection: "sshd: ana@pts/0,pts/1", "sshd: ana@notty"; since OpenSSH 9.8 "sshd-session: …". */
const connectionTitle = /^sshd(?:-session)?: .+@(?:notty|(?:(?:pts\/|ttys)\d+,?)+)\s*$/;

/**
 * A connection with an idle shell, or that only forwards a port, is an open tab: it is no use. A terminal that sshd or
 * a multiplexer such as tmux opened is judged as the workload's own ones are; a program that sshd started without a
 * terminal (rsync, sftp-server, an editor's server) is use for as long as it runs.
 * @param rows all processes
 * @param ours whether its terminal is a workload's, which is looked at elsewhere
 * @throws a system error when a terminal cannot be looked at
 */
export async function collectSessionEvidence(
  rows: readonly ProcessRow[],
  ours: (row: ProcessRow) => boolean,
): Promise<Evidence[]> {
  const connections = await findConnections(rows);
  const below = new Set(connections.flatMap(({ pid }) => [...findTree(rows, pid)]));
  const [remote, local] = split(
    rows.filter((row) => row.tty !== null && !ours(row)),
    ({ pid }) => below.has(pid),
  );
  const found = await Promise.all([
    collectTerminalEvidence(remote, rows, "an SSH session"),
    collectTerminalEvidence(local, rows, "a terminal of this machine"),
    collectCommandEvidence(rows, connections),
  ]);
  return found.flat();
}

async function findConnections(rows: readonly ProcessRow[]): Promise<ProcessRow[]> {
  const servers = rows.filter(({ name }) => /^sshd\b/.test(name));
  const titles = await Promise.all(servers.map(readArguments));
  return servers.filter((_, index) => connectionTitle.test(titles[index]?.join(" ") ?? ""));
}

async function collectCommandEvidence(
  rows: readonly ProcessRow[],
  connections: readonly ProcessRow[],
): Promise<Evidence[]> {
  const parents = new Set(connections.map(({ pid }) => pid));
  const commands = rows.filter(
    ({ parent, tty, pid }) => parents.has(parent) && tty === null && !parents.has(pid),
  );
  const found = commands.map(async (command): Promise<Evidence[]> => {
    const args = await readArguments(command);
    if (args.join("") === "") return []; // it ended in between, as Sesta's own short ones do all the time
    if (await isOwn(command, args)) return [];
    const program = await nameCommand(command, rows);
    return [{ source: `a program runs over SSH (${program})`, at: "now", key: `ssh ${command.pid}` }];
  });
  return (await Promise.all(found)).flat();
}

async function isOwn(command: ProcessRow, args: readonly string[]): Promise<boolean> {
  if (args.some((word) => word.includes(`${connectionMark}=`))) return true;
  return (await readVariables(command))?.has(connectionMark) ?? false;
}

/** sshd gives a command to the user's shell: what that runs says more. */
async function nameCommand(command: ProcessRow, rows: readonly ProcessRow[]): Promise<string> {
  const isShell = isInteractiveShell((await readArguments(command)).slice(0, 1));
  const child = isShell ? rows.find(({ parent }) => parent === command.pid) : undefined;
  return nameProgram((child ?? command).name);
}

function split<T>(items: readonly T[], first: (item: T) => boolean): [T[], T[]] {
  return [items.filter(first), items.filter((item) => !first(item))];
}
