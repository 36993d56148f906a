// Where the first machine of a run is reached by the others.
import type { Host } from "../../machine/host.ts";
import type { JobSection } from "../../model/project.ts";
import type { Context } from "../context.ts";
import { getTarget } from "../machines.ts";

/** What the target says, else the name or address by which it is reached from here. One machine reaches itself. */
export async function findMasterAddress(
  context: Context,
  { target, nodes }: JobSection,
  { machine }: Host,
): Promise<string> {
  const section = getTarget(context, target);
  if (nodes === 1 || section.type !== "ssh") return "127.0.0.1";
  const host = section.hosts.find(({ name }) => name === machine.name);
  if (!host) return machine.name;
  if (host.address !== undefined) return host.address;
  const { stdout } = await context.machine.run(["ssh", "-G", "--", host.host]);
  return /^hostname (\S+)$/m.exec(stdout)?.[1] ?? host.host;
}
