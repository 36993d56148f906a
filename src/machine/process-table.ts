// The processes of this machine, as proc(5) or ps(1) tell of them.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

export type ProcessRow = {
  pid: number;
  parent: number;
  group: number;
  /** The group that has its terminal's foreground; 0 without a terminal. */
  foreground: number;
  /** The path of its controlling terminal, when that is a pseudo terminal. */
  tty: string | null;
  name: string;
  /** On all its processors, since it began. */
  cpuMs: number;
  /** Together with the pid it names this process for as long as the machine runs. */
  startTime: string;
  /** Only where reading them one by one would cost more: see `readArguments`. */
  args?: readonly string[];
};

/** All that live, those of other users as far as the machine shows them. @throws when there is no reading them */
export async function listProcesses(): Promise<ProcessRow[]> {
  const rows = process.platform === "linux" ? await readProc() : await readPs();
  if (rows.length === 0) throw new Error("the machine shows no processes");
  return rows;
}

/** Its command line; none when it has ended, is another user's, or says nothing. */
export async function readArguments({ pid, args }: ProcessRow): Promise<readonly string[]> {
  if (args) return args;
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return text.replace(/\0+$/, "").split("\0");
}

/** Variables it began with. Undefined when they cannot be read: it is another user's, or the system hides them. */
export async function readVariables({ pid }: ProcessRow): Promise<ReadonlyMap<string, string> | undefined> {
  const text = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => undefined);
  return text === undefined
    ? undefined
    : new Map(text.split("\0").map((entry) => [entry.split("=", 1)[0] ?? "", entry.replace(/^[^=]*=/, "")]));
}

/** All processes that descend from `root`, itself among them. */
export function findTree(rows: readonly ProcessRow[], root: number): Set<number> {
  const children = Map.groupBy(rows, ({ parent }) => parent);
  const found = new Set([root]);
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child.pid);
  return found;
}

// These files are made in memory as they are read: read at once, they cost a sixth of what promises take.
async function readProc(): Promise<ProcessRow[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => parseStat(readStat(pid)) ?? []);
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return ""; // it ended in between
  }
}

/** USER_HZ is 100 on every Linux that Node runs on, whatever the kernel's own ticks. */
const tickMs = 10;

/** One line of proc(5)/stat; undefined for a process that has ended. The name may hold spaces and brackets. */
export function parseStat(line: string): ProcessRow | undefined {
  const [, pid, name] = /^(\d+) \((.*)\) /s.exec(line) ?? [];
  if (pid === undefined || name === undefined) return undefined;
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [state, parent, group, , tty, foreground] = fields;
  if (state === "Z" || state === "X") return undefined;
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    foreground: Math.max(0, Number(foreground)),
    tty: nameTerminal(Number(tty)),
    name,
    cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
    startTime: fields[19] ?? "",
  };
}

/** Bits 20 to 31 and 0 to 7 are the minor number, 8 to 15 the major one; pseudo terminals have 136 to 143. */
function nameTerminal(device: number): string | null {
  const major = (device >> 8) & 0xff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return major >= 136 && major <= 143 ? `/dev/pts/${(major - 136) * 256 + minor}` : null;
}

async function readPs(): Promise<ProcessRow[]> {
  const { stdout } = await promisify(execFile)(
    "env",
    ["TZ=UTC0", "LC_ALL=C", "ps", "-axww", "-o", "pid=,ppid=,pgid=,tpgid=,tty=,stat=,time=,lstart=,args="],
    { maxBuffer: 64 * 1024 * 1024, timeout: 5_000 },
  );
  return stdout.split("\n").flatMap((line) => parsePs(line) ?? []);
}

// pid ppid pgid tpgid tty stat time, then "Mon Jan  2 15:04:05 2006", then the command line.
const psLine =
  /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(-?\d+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+\S+\s+\d+)\s+(.*)$/;

/** One line of ps(1) as above; undefined for a process that has ended, and for what is no such line. */
export function parsePs(line: string): ProcessRow | undefined {
  const [, pid, parent, group, foreground, tty = "", state = "", time = "", startTime = "", text = ""] =
    psLine.exec(line) ?? [];
  if (pid === undefined || state.startsWith("Z")) return undefined;
  const args = text.split(" ");
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    foreground: Math.max(0, Number(foreground)),
    tty: /^(ttys|pts\/)\d+$/.test(tty) ? `/dev/${tty}` : null,
    name: (args[0] ?? "").replace(/^.*\//, ""),
    cpuMs: parsePsTime(time),
    startTime: startTime.replace(/\s+/g, " "),
    args,
  };
}

/** "1-02:03:04", "02:03:04" (Linux) or "123:04.56" (macOS: minutes, then seconds). */
function parsePsTime(time: string): number {
  const [days, clock] = time.includes("-") ? (time.split("-") as [string, string]) : ["0", time];
  const seconds = clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return Math.round((Number(days) * 86_400 + seconds) * 1_000);
}
