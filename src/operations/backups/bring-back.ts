// Brings a backup back into a tracker. What it held before is backed up first.
import { SestaError } from "../../base/errors.ts";
import type { Progress } from "../../model/plan.ts";
import type { Context } from "../context.ts";
import { findPassphrase, requireData, runJob } from "./job.ts";

/** The newest backup that its folder holds. @throws SestaError NOT_UP, UNSUPPORTED, BACKUP_FAILED where there is none */
export async function findNewestBackup(context: Context, name: string): Promise<string> {
  requireData(context, name);
  const target = context.targets.of(name);
  await target.agent.ensure();
  const { workspace } = await target.inside(name);
  const found = (await target.agent.call("backups", { name }))[0];
  if (found) return found.file;
  throw new SestaError("BACKUP_FAILED", `There is no backup of ${name} in ${workspace}`, {
    hint: `\`sesta restore ${name} --from FILE\` takes one from elsewhere.`,
  });
}

/**
 * @param file absolute, on its machine
 * It sleeps from when the file has passed for whole.
 * @returns the backup of what was there before; null where that was nothing
 * @throws SestaError BACKUP_FAILED: then nothing has changed
 */
export async function bringBack(
  context: Context,
  name: string,
  file: string,
  on: Progress,
): Promise<string | null> {
  const passphrase = await findPassphrase(context, requireData(context, name));
  const { agent } = context.targets.of(name);
  const asked = { name, why: "A backup is brought back.", by: "owner" };
  await agent.ensure();
  let isShut = false;
  const shut = async () => {
    isShut = true; // nothing is logged that the backup of what it holds does not have
    await agent.call("sleep", { ...asked, shut: true });
  };
  try {
    return (await runJob(context, "bringBack", { ...asked, passphrase, file }, on, shut)).file;
  } finally {
    if (isShut) await agent.call("sleep", { ...asked, shut: false }).catch(() => undefined);
  }
}
