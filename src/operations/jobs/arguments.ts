// What came after `--` on the command line, where it would reach nothing, or is not what an entry point takes.
import { SestaError } from "../../base/errors.ts";
import { findLostOperands } from "../../commands/script-argv.ts";
import type { JobSection } from "../../model/project.ts";
import { parseProjectArguments } from "../../workloads/job/project-command.ts";
import { bindProject } from "./find-project.ts";
import type { Preparation } from "./prepare.ts";

/** @throws SestaError USAGE */
export function checkArguments({ name, run, project }: JobSection, args: readonly string[]): void {
  if (project) return void parseProjectArguments(args);
  const lost = args.length === 0 ? undefined : findLostOperands(run ?? "true");
  if (lost === undefined) return;
  throw new SestaError("USAGE", `What follows -- would not reach ${name}: ${lost}`, {
    hint: 'Write "$@" in its `run` where they belong.',
  });
}

/** Before anything is done, where the sources are known by then. @throws SestaError USAGE, PROJECT_INVALID */
export async function checkParameters(
  { job, machines }: Preparation,
  args: readonly string[],
): Promise<void> {
  await bindProject(job, machines[0]?.steps.prepared.project, args);
}
