// What everything that works on one root shares, and how Terraform is run in it to its end.
import type { Clock } from "../../base/clock.ts";
import { buildPrivate, buildUnlock, terraformEnv, type Terraform } from "../../commands/terraform.ts";
import type { Argv, Machine, Ran } from "../../machine/machine.ts";
import type { Intent } from "../../state/intent-state.ts";
import { explainFailure } from "./explain.ts";
import type { FindResources } from "./find.ts";
import { findOwnLock } from "./own-lock.ts";
import { readEvents, type TerraformEvent } from "./read-event.ts";

export type RootContext = {
  /** How sentences name what it makes: the workload. */
  name: string;
  folder: string;
  terraform: Terraform;
  /** This one. */
  machine: Pick<Machine, "run" | "start">;
  /** Credentials, and where providers are kept for all roots. */
  env: Readonly<Record<string, string | undefined>>;
  /** Its state is kept elsewhere, by what the configuration names as its backend: whole, and locked for everybody. */
  isRemote: boolean;
  journal: Journal;
  find: FindResources;
  clock: Clock;
  signal: AbortSignal;
};

/** Of one root, see `state/intent-state.ts`. */
export type Journal = {
  list(): readonly Intent[];
  save(wanted: readonly Intent[]): void;
  clear(): void;
};

export type OnEvent = (event: TerraformEvent) => void;

export const configName = "main.tf.json";
/** The configuration that was applied last: what an interrupted apply made is in it. */
export const appliedName = "applied.json";
/** What the last apply printed. */
export const logName = "apply.jsonl";

export function buildEnv({ env }: RootContext): Record<string, string | undefined> {
  return { ...env, ...terraformEnv };
}

/** What it printed. @throws SestaError TERRAFORM, COMMAND_MISSING */
export async function runTerraform(context: RootContext, argv: Argv, on?: OnEvent): Promise<string> {
  const { name, terraform } = context;
  let ran = await run(context, argv);
  const lock = ran.exitCode === 0 ? undefined : await findOwnLock(context, printedBy(ran));
  if (lock !== undefined) {
    await run(context, buildUnlock(terraform, lock));
    ran = await run(context, argv);
  }
  if (ran.exitCode !== 0) throw explainFailure(name, argv, printedBy(ran));
  if (on) for (const event of readEvents(ran.stdout)) on(event);
  return ran.stdout;
}

function run(context: RootContext, argv: Argv): Promise<Ran> {
  const { machine, folder, signal } = context;
  return machine.run(buildPrivate(argv), { cwd: folder, env: buildEnv(context), signal });
}

function printedBy({ stdout, stderr }: Ran): string {
  return `${stdout}\n${stderr}`;
}
