// Backups of workloads that have data of their own: one at a time for each, asked for or due.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { messageOf, SestaError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Argv, Machine } from "../../machine/machine.ts";
import type { BackupJob, BackupReport, FoundBackup } from "../../model/backup.ts";
import type { BackupRule } from "../../model/launch.ts";
import { fill, type Template } from "../../model/template.ts";
import type { Supervised } from "../../state/agent-state.ts";
import { listBackups } from "./list-backups.ts";

export type BackupsContext = {
  machine: Machine;
  clock: Clock;
  log: Log;
  /** The agent's folder. */
  home: string;
  /** Something that reports show has changed. */
  changed(name: string): void;
  signal: AbortSignal;
};

export type Order = {
  kind: BackupJob["kind"];
  why: string;
  /** Null: it is not encrypted. */
  passphrase: string | null;
  /** What is restored; absolute. */
  file?: string;
};

export type Backups = ReturnType<typeof createBackups>;

/** A gigabyte of artifacts takes seconds, a slow disk with many of them hours. */
const longestMs = 12 * 3_600_000;
const lookEveryMs = 30_000;
const retryMs = 3_600_000;

/** @param list the workloads that the agent knows now */
export function createBackups(context: BackupsContext, list: () => readonly Supervised[]) {
  const { machine, clock, log, home, changed, signal } = context;
  const jobs = new Map<string, BackupJob>();
  const newest = new Map<string, FoundBackup | null>();
  const passphrases = new Map<string, string>();

  /** Where one runs already, that one is the answer to who wants a backup. @throws SestaError BUSY, UNSUPPORTED */
  function begin(workload: Supervised, order: Order): BackupJob {
    const rule = ruleOf(workload);
    const running = jobs.get(workload.name);
    if (running?.state === "running") {
      if (running.kind === "backup" && order.kind === "backup") return running;
      throw new SestaError("BUSY", `A ${running.kind} of ${workload.name} is being made`, {
        hint: `\`sesta why ${workload.name}\` says how far it is.`,
      });
    }
    const job: BackupJob = {
      id: randomUUID(),
      kind: order.kind,
      state: "running",
      startedAt: clock.now(),
      phase: "begins",
      why: null,
      file: null,
      bytes: null,
    };
    show(workload.name, job);
    void run(workload, rule, order, job);
    return job;
  }

  async function run(workload: Supervised, rule: BackupRule, order: Order, job: BackupJob): Promise<void> {
    const { name } = workload;
    let now = job;
    const say = (change: Partial<BackupJob>) => show(name, (now = { ...now, ...change }));
    try {
      const [argv, folder] = await prepare(workload, order.kind === "backup" ? rule.make : rule.restore);
      const operand = order.kind === "backup" ? order.why : (order.file ?? "");
      const { exitCode, stderr } = await machine.run([...argv, operand], {
        cwd: folder,
        env: { PYTHONDONTWRITEBYTECODE: undefined, NODE_COMPILE_CACHE: undefined },
        input: order.passphrase ?? "",
        timeoutMs: longestMs,
        signal,
        onLine: (line) => say(readLine(line)),
      });
      if (exitCode === 0) say({ state: "done", phase: null });
      else say({ state: "failed", phase: null, why: explain(stderr, exitCode) });
    } catch (error) {
      say({ state: "failed", phase: null, why: messageOf(error) });
    }
    if (now.state === "failed") log.warn(`${order.kind} failed`, { workload: name, why: now.why });
    await look(workload);
    changed(name);
  }

  /** The command with its files in place. */
  async function prepare(workload: Supervised, template: readonly Template[]): Promise<[Argv, string]> {
    const { name, launch, places } = workload;
    const runtime = join(home, "backup", name);
    await machine.put(launch.process.files, runtime);
    const known = { ...places, runtime, keep: join(home, "keep", name), port: "", token_file: "" };
    return [template.map((part) => fill(part, known)) as unknown as Argv, runtime];
  }

  function show(name: string, job: BackupJob): void {
    jobs.set(name, job);
    changed(name);
  }

  async function look({ name, places }: Supervised): Promise<FoundBackup | null> {
    const [found = null] = await listBackups(places.workspace, name);
    newest.set(name, found);
    return found;
  }

  /** It is time, and something may have been logged since the last one. */
  async function isDue(workload: Supervised): Promise<boolean> {
    const { name, launch, state, since } = workload;
    const everyMs = launch.backup?.everyMs ?? null;
    if (everyMs === null) return false;
    const job = jobs.get(name);
    if (job?.state === "running") return false;
    if (job?.state === "failed" && clock.now() - job.startedAt < Math.min(everyMs, retryMs)) return false;
    const last = (await look(workload))?.at;
    if (last === undefined) return state === "awake" && clock.now() - since >= everyMs;
    return clock.now() - last >= everyMs && (state === "awake" || since > last);
  }

  async function keepMaking(): Promise<void> {
    while (!signal.aborted) {
      for (const workload of list()) {
        if (needsPassphrase(workload) || !(await isDue(workload).catch(() => false))) continue;
        begin(workload, {
          kind: "backup",
          why: "It was due.",
          passphrase: passphrases.get(workload.name) ?? null,
        });
      }
      await clock.sleep(lookEveryMs, signal).catch(() => undefined);
    }
  }

  const needsPassphrase = ({ name, launch }: Supervised) =>
    launch.backup?.passphrase !== undefined && !passphrases.has(name);

  return {
    begin,
    /** Makes those that are due, until the signal aborts. */
    keepMaking,
    /** In memory only. */
    setPassphrase: (name: string, value: string): void => {
      passphrases.set(name, value);
      changed(name);
    },
    report(workload: Supervised): BackupReport | undefined {
      if (!workload.launch.backup) return undefined;
      const { name } = workload;
      return {
        last: newest.get(name) ?? null,
        job: jobs.get(name) ?? null,
        needsPassphrase: needsPassphrase(workload),
      };
    },
    find: (name: string): BackupJob | null => jobs.get(name) ?? null,
  };
}

/** @throws SestaError UNSUPPORTED */
function ruleOf({ name, launch }: Supervised): BackupRule {
  if (launch.backup) return launch.backup;
  throw new SestaError("UNSUPPORTED", `${name} has no data of its own to back up`);
}

function readLine(line: string): Partial<BackupJob> {
  try {
    const { phase, file, bytes } = JSON.parse(line) as {
      phase?: string;
      file?: string | null;
      bytes?: number;
    };
    return {
      ...(phase !== undefined && { phase }),
      ...(file !== undefined && { file }),
      ...(bytes !== undefined && { bytes }),
    };
  } catch {
    return {}; // PostgreSQL's own words
  }
}

/** The last line that it printed; its own sentences begin with a mark. */
function explain(stderr: string, exitCode: number): string {
  const lines = stderr
    .trim()
    .split("\n")
    .filter((line) => line.trim() !== "");
  if (exitCode >= 128)
    return "it was killed on the way; what it had begun to exchange is finished at the next start";
  const own = lines.findLast((line) => line.startsWith("sesta: "))?.slice("sesta: ".length);
  return own ?? lines.at(-1) ?? `it ended with ${exitCode}`;
}
