// One root module of Terraform on this machine: planned, applied exactly as shown, and found again after a kill.
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { makePrivateFolder, writeAtomic } from "../../base/atomic-file.ts";
import { SestaError } from "../../base/errors.ts";
import { buildInit, buildOutput, buildPlan, buildShowPlan } from "../../commands/terraform.ts";
import { holdLock } from "../../state/open.ts";
import { runApply, settleApply } from "./apply.ts";
import { readOutputs, type Outputs } from "./read-outputs.ts";
import { readPlan, type ResourceChange } from "./read-plan.ts";
import { recover } from "./recover.ts";
import { configName, runTerraform, type OnEvent, type RootContext } from "./root-context.ts";

export type RootPlan = {
  /** Empty: everything is as it is wanted. */
  changes: readonly ResourceChange[];
  /** What had to be mended first, in words: an interrupted apply, a state that was cut short. */
  found: readonly string[];
  /** Of the saved plan, which Terraform applies as it is or not at all. */
  digest: string;
};

const planName = "plan";

export function createRoot(context: RootContext) {
  const { folder, terraform } = context;
  const planFile = join(folder, planName);
  const digestOf = async () => {
    const saved = await readFile(planFile).catch(() => undefined);
    return saved && createHash("sha256").update(saved).digest("hex");
  };
  const outputs = async () => readOutputs(await runTerraform(context, buildOutput(terraform)));
  return {
    /**
     * Changes nothing in the cloud. What an interrupted apply left behind is taken into the state first.
     * @param text the configuration; undefined takes all of it away
     * @throws SestaError TERRAFORM, COMMAND_MISSING, BUSY
     */
    plan: alone(context, async (text: string | undefined, on: OnEvent): Promise<RootPlan> => {
      await makePrivateFolder(folder);
      await settleApply(context, on);
      const found = await recover(context, () => ensureInit(context));
      if (text !== undefined) await writeAtomic(join(folder, configName), text);
      await ensureInit(context);
      await runTerraform(context, buildPlan(terraform, planFile, { destroy: text === undefined }), on);
      const changes = readPlan(await runTerraform(context, buildShowPlan(terraform, planFile)));
      return { changes, found, digest: (await digestOf()) ?? "" };
    }),
    /** @throws SestaError STALE_PLAN when the saved plan is not the one that was shown, TERRAFORM, BUSY */
    apply: alone(context, async (plan: RootPlan, on: OnEvent): Promise<Outputs> => {
      if ((await digestOf()) !== plan.digest)
        throw new SestaError("STALE_PLAN", `The plan of ${context.name} is not the one that was shown`, {
          hint: "Run the command again and look at the new plan.",
        });
      await runApply(context, planFile, plan.changes, on);
      return outputs();
    }),
    /** As the last apply left them; none before the first. */
    outputs,
    /** Once nothing of it is left in the cloud. */
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** One that plans would forget the intents of one that begins to apply. */
function alone<Operands extends unknown[], Result>(
  { folder, name }: RootContext,
  work: (...operands: Operands) => Promise<Result>,
): (...operands: Operands) => Promise<Result> {
  return async (...operands) => {
    const lock = hold(`${folder}.lock`, name);
    try {
      return await work(...operands);
    } finally {
      lock.close();
    }
  };
}

function hold(path: string, name: string): { close(): void } {
  try {
    return holdLock(path);
  } catch (error) {
    if (!(error instanceof SestaError) || error.code !== "BUSY") throw error;
    throw new SestaError("BUSY", `Another command works on what ${name} has in the cloud`, {
      hint: "Wait until it ends, then try again.",
    });
  }
}

/** Providers are fetched once for what the configuration asks for; no network is needed for that afterwards. */
async function ensureInit(context: RootContext): Promise<void> {
  const { folder, terraform } = context;
  const config = JSON.parse(await readFile(join(folder, configName), "utf8")) as { terraform?: Wanted };
  const wanted = JSON.stringify(config.terraform);
  const mark = join(folder, ".terraform", "sesta-init");
  const before = await readFile(mark, "utf8").catch(() => undefined);
  if (before === wanted) return;
  const moves =
    before !== undefined && backendOf(JSON.parse(before) as Wanted) !== backendOf(config.terraform);
  await runTerraform(context, buildInit(terraform, { moves }));
  await writeAtomic(mark, wanted);
}

type Wanted = { backend?: object } | undefined;

function backendOf(wanted: Wanted): string {
  return JSON.stringify(wanted?.backend ?? null);
}
