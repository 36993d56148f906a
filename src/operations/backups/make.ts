// Backs a workload's data up now.
import type { BackupJob } from "../../model/backup.ts";
import type { Progress } from "../../model/plan.ts";
import type { Context } from "../context.ts";
import { findPassphrase, requireData, runJob } from "./job.ts";

/**
 * @param isLast nothing is written to the data any more: one that began before does not count
 * @returns its `file` is null where there is nothing to back up yet
 * @throws SestaError NOT_UP, UNSUPPORTED, SECRET_MISSING, BACKUP_FAILED
 */
export async function makeBackup(
  context: Context,
  name: string,
  { why, isLast = false }: { why: string; isLast?: boolean },
  on: Progress,
): Promise<BackupJob> {
  const placed = requireData(context, name);
  const passphrase = await findPassphrase(context, placed);
  await context.targets.of(name).agent.ensure();
  const asked = { name, why, by: "owner", passphrase };
  const before = isLast ? (await context.targets.of(name).agent.call("backupJob", { name }))?.id : undefined;
  const job = await runJob(context, "backup", asked, on);
  return job.id === before ? runJob(context, "backup", asked, on) : job;
}
