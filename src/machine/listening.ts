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

export type OpenPort = {
  port: number;
  /** Only what is in the same network reaches it. */
  loopback: boolean;
};

/** All that listens in the network of a process; undefined where the system does not tell. */
export async function findOpenPorts(pid: number): Promise<OpenPort[] | undefined> {
  const sockets = await readSockets(`/proc/${pid}/net`);
  return sockets?.map(({ address, port }) => ({ port, loopback: loopbacks.test(address) }));
}

/** 127.0.0.0/8, alone or mapped, and ::1: in words of four bytes, each as this machine has it, least byte first. */
const loopbacks = /^(?:(?:0{16}FFFF0000)?[0-9A-F]{6}7F|0{24}01000000)$/;

/** Ports by the inode of their socket. */
async function readListening(): Promise<Map<string, number>> {
  const sockets = (await readSockets("/proc/net")) ?? [];
  return new Map(sockets.map(({ inode, port }) => [inode, port]));
}

type Socket = { address: string; port: number; inode: string };

/** proc_pid_net(5): state 0A is LISTEN, address and port are hexadecimal. */
async function readSockets(folder: string): Promise<Socket[] | undefined> {
  const read = (name: string) => readFile(`${folder}/${name}`, "utf8").catch(() => undefined);
  const [four, six] = await Promise.all([read("tcp"), read("tcp6")]);
  if (four === undefined && six === undefined) return undefined;
  return [four, six].flatMap((text = "") =>
    text.split("\n").flatMap((line) => {
      if (!line.includes(" 0A ")) return []; // after much traffic, tens of thousands that only time out
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      const [address = "", port = ""] = local.split(":");
      return state === "0A" ? [{ address, port: Number.parseInt(port, 16), inode }] : [];
    }),
  );
}

async function listSockets(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => "")));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
