// What the machines of services lack: each finding with the one thing that mends it. Changes nothing.
import { runScript } from "../../machine/host.ts";
import { listServices, type ServiceSection } from "../../model/project.ts";
import type { Context } from "../context.ts";
import type { Finding } from "../finding.ts";
import { openHosts } from "../machines.ts";
import { warnOfLimits } from "./limits.ts";

/** A host that does not answer is named elsewhere. */
export async function examineServices(context: Context): Promise<Finding[]> {
  const found = await Promise.all(
    listServices(context.project).map((section) => examineService(context, section).catch(() => [])),
  );
  return found.flat();
}

async function examineService(context: Context, section: ServiceSection): Promise<Finding[]> {
  const { source, name, target } = section;
  const limits = (await warnOfLimits(context, section)).map((what): Finding => ({
    level: "warning",
    what: `${name}: ${what}`,
  }));
  if (source.kind !== "build" && source.kind !== "image") return limits;
  const [host] = await openHosts(context, target, 1);
  if (!host || (await runScript(host, "image.sh", ["engine"])).exitCode === 0) return limits;
  const where = host.machine.name === "local" ? "this machine" : host.machine.name;
  const what = `${name} runs in a container, and neither docker nor podman answers on ${where}`;
  return [...limits, { level: "error", what, mend: "Install one of them there." }];
}
