// Why a workload is in its state: the agent's own words, the evidence behind them, and how far its saves are.
import { formatDuration } from "../model/duration.ts";
import type { IdleRule, KeepAwake } from "../model/launch.ts";
import type { ReplicaReport } from "../model/release.ts";
import type { BackupStatus } from "../model/backup.ts";
import type { SaveReport } from "../model/save.ts";
import type { CertificateStatus, Report, SaveStatus, WorkloadStatus } from "../model/status.ts";
import type { State } from "../model/words.ts";
import type { Context } from "./context.ts";
import { listJobStatus } from "./jobs/job-status.ts";
import { requireKnown } from "./plan.ts";
import { buildBackupStatus } from "./backups/backup-status.ts";
import { buildSaveStatus, isoOf } from "./save-words.ts";
import { buildCertificateStatus } from "./services/await-certificate.ts";

export type Explanation = {
  name: string;
  state: State;
  since: string;
  why: string;
  /** While waking or going to sleep: the step that it is at. */
  phase: string | null;
  last_use: { at: string; source: string } | null;
  sleeps_at: string | null;
  /** It sleeps within moments unless it is used. */
  announced: boolean;
  held: { until: string; reason: string | null } | null;
  /** What counts as use, while it is awake and sleeps by itself. */
  kept_awake_by: readonly string[];
  saved_at: string | null;
  /** Null where it is saved nowhere. */
  save: SaveExplanation | null;
  /** Only of a service: the release that is live, and what runs of it and of one that starts. */
  release?: number | null;
  replicas?: readonly ReplicaReport[];
  /** Only of a service with a certificate from a CA. */
  certificate?: CertificateStatus;
  /** Only of a tracker. */
  backup?: BackupStatus;
  log_tail: readonly string[];
};

/** What `status` says of a save, and what to do. */
export type SaveExplanation = SaveStatus & {
  hint: string | null;
  problem_since: string | null;
  retry_at: string | null;
  /** Of how many saved files the held deletions are. */
  saved_files: number | null;
  needs_token: boolean;
};

/** @throws SestaError UNKNOWN_WORKLOAD */
export async function explain(context: Context, name: string): Promise<Explanation> {
  const [job] = await listJobStatus(context, name);
  if (job) return explainJob(context, job);
  requireKnown(context, name);
  const report = await context.targets.of(name).status(name);
  const rule = context.state.findWorkload(name)?.launch.idle;
  return buildExplanation(report, rule);
}

/** A job is awake while a run of it goes on, and sleeps when that is over. */
function explainJob({ world }: Context, { name, state, since, why }: WorkloadStatus): Explanation {
  return {
    name,
    state,
    since: since ?? new Date(world.clock.now()).toISOString(),
    why,
    phase: null,
    last_use: null,
    sleeps_at: null,
    announced: false,
    held: null,
    kept_awake_by: [],
    saved_at: null,
    save: null,
    log_tail: [],
  };
}

/** @param rule of the launch that is up */
export function buildExplanation(report: Report, rule: IdleRule | undefined): Explanation {
  const { name, state, since, why, phase, lastUse, sleepsAt, announced, hold, save, logTail, service } =
    report;
  const sleepsByItself = state === "awake" && rule !== undefined && rule.idleMs !== null;
  return {
    name,
    state,
    since: new Date(since).toISOString(),
    why,
    phase,
    last_use: lastUse && { at: new Date(lastUse.at).toISOString(), source: lastUse.source },
    sleeps_at: isoOf(sleepsAt),
    announced,
    held: hold && { until: new Date(hold.until).toISOString(), reason: hold.reason },
    kept_awake_by: sleepsByItself ? listSigns(rule, name, report) : [],
    saved_at: isoOf(save?.savedAt),
    save: save && explainSave(save),
    ...(service && { release: service.release, replicas: service.replicas }),
    ...buildCertificateStatus(service?.certificate),
    ...buildBackupStatus(report.backup),
    log_tail: logTail,
  };
}

function explainSave(save: SaveReport): SaveExplanation {
  const { problem, held, needsToken } = save;
  return {
    ...buildSaveStatus(save),
    hint: problem?.hint ?? null,
    problem_since: isoOf(problem?.since),
    retry_at: isoOf(problem?.retryAt),
    saved_files: held?.of ?? null,
    needs_token: needsToken,
  };
}

function listSigns(
  { evidence, keepAwake, maxAwakeMs }: IdleRule,
  name: string,
  { service, backup }: Report,
): string[] {
  const own = evidence === "jupyter" ? ["running code", "typing in a terminal", "saving a file"] : [];
  const hold =
    maxAwakeMs === null
      ? `\`sesta awake ${name} --for 3h\``
      : `\`sesta awake ${name} --for 3h\` (up to max_awake)`;
  const visits = service
    ? "requests, but not to its health path"
    : `opening its pages${backup ? ", programs that log" : ""}`;
  return [...own, visits, ...(keepAwake ? listOwnSigns(keepAwake) : []), hold];
}

function listOwnSigns({ cpuPercent, gpuPercent, forMs, command }: KeepAwake): string[] {
  const time = `for ${formatDuration(forMs)}`;
  return [
    ...(cpuPercent === undefined ? [] : [`${cpuPercent} % of a core ${time}`]),
    ...(gpuPercent === undefined ? [] : [`${gpuPercent} % of a GPU ${time}`]),
    ...(command === undefined ? [] : [`\`${command}\` that ends with 0`]),
  ];
}
