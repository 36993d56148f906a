// What a service asks of its machine that nothing there can hold it to. Reads only.
import { askForLimits } from "../../commands/replica-limits.ts";
import type { ServiceSection } from "../../model/project.ts";
import type { Context } from "../context.ts";
import { openHosts } from "../machines.ts";

/** Memory is also looked after where there is no limit; an engine has limits of its own. */
export async function warnOfLimits(
  context: Context,
  { source, cpus, target }: ServiceSection,
): Promise<string[]> {
  if (cpus === null || source.kind === "build" || source.kind === "image") return [];
  const [host] = await openHosts(context, target, 1);
  const said = await host?.machine.run(askForLimits);
  if (said?.exitCode === 0 && said.stdout.trim() !== "none") return [];
  const where = target === "local" ? "this machine" : target;
  return [`nothing on ${where} can hold a process to \`cpus: ${cpus}\`: it may use more`];
}
