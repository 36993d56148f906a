// Which TCP ports a process and what it started listen on.
import { readdir, readFile, readlink } from "node:fs/promises";
import { findTree, listProcesses } from "./process-table.ts";

/**
 * @param root the process; its group counts too, also where it was left by a parent that has ended
 * @returns undefined where the system does not tell (only Linux does)
 */
export async function findListeningPorts(root: number): Promise<ReadonlySet<number> | undefined> {
  if (process.platform !== "linux") return undefined;
  const inodes = await readListening();
  const rows = await listProcesses();
  const tree = findTree(rows, root);
  const pids = rows.filter(({ pid, group }) => tree.has(pid) || group === root).map(({ pid }) => pid);
  const held = await Promise.all(pids.map(listSockets));
  return new Set(held.flat().flatMap((inode) => inodes.get(inode) ?? []));
}

/** Ports by the inode of their socket; proc_pid_net(5): state 0A is LISTEN, the port is hexadecimal. */
async function readListening(): Promise<Map<string, number>> {
  const files = ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "utf8").catch(() => ""));
  const lines = (await Promise.all(files)).flatMap((text) => text.split("\n").slice(1));
  const found = new Map<string, number>();
  for (const line of lines) {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    if (state === "0A") found.set(inode, Number.parseInt(local.split(":").at(-1) ?? "", 16));
  }
  return found;
}

async function listSockets(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => "")));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
