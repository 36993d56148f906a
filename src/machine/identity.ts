// Who a process is: its id is recycled, so boot and start time belong to it.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

export type Identity = { pid: number; bootId: string; startTime: string };

/** The identity of a living process; undefined when there is none (a zombie counts as none). */
export async function findIdentity(pid: number): Promise<Identity | undefined> {
  const startTime = process.platform === "linux" ? await linuxStartTime(pid) : await psStartTime(pid);
  return startTime === undefined ? undefined : { pid, bootId: await getBootId(), startTime };
}

/** Whether exactly this process still lives. */
export async function isAlive(identity: Identity): Promise<boolean> {
  const now = await findIdentity(identity.pid);
  return now !== undefined && now.bootId === identity.bootId && now.startTime === identity.startTime;
}

/** Signals the process group that the process leads; false when the process is no longer the one meant. */
export async function signalGroup(identity: Identity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(-identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

let bootId: Promise<string> | undefined;

/** Differs after every start of the machine. */
export function getBootId(): Promise<string> {
  bootId ??= readBootId();
  return bootId;
}

async function readBootId(): Promise<string> {
  if (process.platform === "linux") return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  const ask = (name: string) => promisify(execFile)("env", ["TZ=UTC0", "sysctl", "-n", name]);
  const { stdout } = await ask("kern.bootsessionuuid").catch(() => ask("kern.boottime"));
  return stdout.trim();
}

async function linuxStartTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat === undefined ? undefined : readStartTime(stat);
}

/**
 * Field 22 of a line of proc(5)/stat, in clock ticks since boot; undefined for a process that has ended.
 * The command name may hold spaces and brackets.
 */
export function readStartTime(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/** In UTC: a process has one start, wherever the one who asks has its clock. */
async function psStartTime(pid: number): Promise<string | undefined> {
  const ps = promisify(execFile)("env", [
    "TZ=UTC0",
    "LC_ALL=C",
    "ps",
    "-o",
    "stat=,lstart=",
    "-p",
    String(pid),
  ]);
  const line = await ps.then(({ stdout }) => stdout.trim()).catch(() => "");
  return line === "" || line.startsWith("Z") ? undefined : line.replace(/^\S+\s+/, "");
}
