// What everything that works on one root shares, and how Terraform is run in it to its end.
import type { Clock } from "../../base/clock.ts";
import { buildPrivate, terraformEnv, type Terraform } from "../../commands/terraform.ts";
import type { Argv, Machine } from "../../machine/machine.ts";
import type { Intent } from "../../state/intent-state.ts";
import { explainFailure } from "./explain.ts";
import type { FindResources } from "./find.ts";
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

export function buildEnv({ env }: RootContext): Record<string, string | undefined> {
  return { ...env, ...terraformEnv };
}

/** What it printed. @throws SestaError TERRAFORM, COMMAND_MISSING */
export async function runTerraform(context: RootContext, argv: Argv, on?: OnEvent): Promise<string> {
  const { machine, folder, signal } = context;
  const { exitCode, stdout, stderr } = await machine.run(buildPrivate(argv), {
    cwd: folder,
    env: buildEnv(context),
    signal,
  });
  if (exitCode !== 0) throw explainFailure(context.name, argv, `${stdout}\n${stderr}`);
  if (on) for (const event of readEvents(stdout)) on(event);
  return stdout;
}
