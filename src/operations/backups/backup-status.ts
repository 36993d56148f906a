// How a workload's backups stand, for status and why.
import type { BackupReport, BackupStatus } from "../../model/backup.ts";
import { isoOf } from "../save-words.ts";

export function buildBackupStatus(report: BackupReport | undefined): { backup?: BackupStatus } {
  if (!report) return {};
  const { last, job, needsPassphrase } = report;
  const what = job?.kind === "restore" ? "the last restore" : "the last backup";
  const failed = job?.state === "failed" ? `${what} failed: ${job.why ?? ""}` : null;
  const unknown = needsPassphrase ? "its passphrase is not known yet: none is made by itself" : null;
  return {
    backup: {
      last_at: isoOf(last?.at),
      last_file: last?.file ?? null,
      phase: job?.state === "running" ? `${job.kind}: ${job.phase ?? ""}` : null,
      problem: failed ?? unknown,
    },
  };
}
