// The machines of a target, as hosts that jobs run on.
import { SestaError } from "../base/errors.ts";
import { createHost, type Host } from "../machine/host.ts";
import type { TargetSection } from "../model/project.ts";
import type { Context } from "./context.ts";

/** The first `count` machines of a target, in their order. @throws SestaError SSH_CONNECTION and what goes with it */
export function openHosts(context: Context, target: string, count: number): Promise<Host[]> {
  const section = getTarget(context, target);
  const names = section.type === "local" ? ["local"] : section.hosts.slice(0, count).map(({ name }) => name);
  return Promise.all(names.map((name) => openHost(context, target, name)));
}

const hosts = new WeakMap<Context, Map<string, Promise<Host>>>();

/** One machine of a target, by its name; opened once for a command. */
export function openHost(context: Context, target: string, name: string): Promise<Host> {
  const known = hosts.get(context) ?? new Map<string, Promise<Host>>();
  hosts.set(context, known);
  const key = `${target}/${name}`;
  const found = known.get(key) ?? open(context, target, name);
  known.set(key, found);
  found.catch(() => known.delete(key));
  return found;
}

function open(context: Context, target: string, name: string): Promise<Host> {
  const section = getTarget(context, target);
  if (section.type === "local") return createHost(context.machine);
  throw new SestaError("UNSUPPORTED", `${name} cannot be reached yet`);
}

/** @throws SestaError UNSUPPORTED for one that the file does not name any more */
export function getTarget({ project }: Context, name: string): TargetSection {
  const found = Object.hasOwn(project.targets, name) ? project.targets[name] : undefined;
  if (found) return found;
  throw new SestaError("UNSUPPORTED", `Target ${name} is not in sesta.yaml any more`, {
    hint: "Put it back under `targets:`.",
  });
}
