// What a tracker holds goes with it: it is backed up first, or somebody says by its name that it may go.
import { SestaError } from "../../base/errors.ts";
import type { Progress } from "../../model/plan.ts";
import type { Context } from "../context.ts";
import { settle } from "../wake.ts";
import { makeBackup } from "./make.ts";

/**
 * It is asleep afterwards and stays so: nothing is logged that the backup does not have.
 * @returns the backup; null where there is nothing to back up
 * @throws SestaError BACKUP_FAILED: then it is up as before
 */
export async function backUpBeforeDown(context: Context, name: string, on: Progress): Promise<string | null> {
  const { agent } = context.targets.of(name);
  const asked = { name, why: "It is taken down.", by: "owner" };
  await agent.ensure();
  await agent.call("sleep", { ...asked, shut: true });
  try {
    await settle(context, name, () => undefined);
    return (await makeBackup(context, name, { why: "Before it was taken down.", isLast: true }, on)).file;
  } catch (error) {
    await agent.call("sleep", { ...asked, shut: false }).catch(() => undefined);
    if (!(error instanceof SestaError) || error.code !== "BACKUP_FAILED") throw error;
    throw new SestaError("BACKUP_FAILED", `${error.message}. Nothing was taken away`, {
      hint: `Mend that, or run \`sesta down ${name} --discard-data\` to lose what it holds.`,
      cause: error,
    });
  }
}
