// What came after `--` on the command line, where it would reach nothing.
import { SestaError } from "../../base/errors.ts";
import { findLostOperands } from "../../commands/script-argv.ts";
import type { JobSection } from "../../model/project.ts";

/** @throws SestaError USAGE */
export function checkArguments({ name, run }: JobSection, args: readonly string[]): void {
  const lost = args.length === 0 ? undefined : findLostOperands(run ?? "true");
  if (lost === undefined) return;
  throw new SestaError("USAGE", `What follows -- would not reach ${name}: ${lost}`, {
    hint: 'Write "$@" in its `run` where they belong.',
  });
}
