// The machines of a target, as hosts that jobs run on.
import { SestaError } from "../base/errors.ts";
import { createHost, type Host } from "../machine/host.ts";
import { createLocalMachine } from "../machine/local.ts";
import type { SshAccess } from "../machine/ssh/access.ts";
import { findHostKey, isPinned, pinHostKey, type HostKey } from "../machine/ssh/host-key.ts";
import { createSshMachine } from "../machine/ssh/ssh.ts";
import type { HostSection, TargetSection } from "../model/target-section.ts";
import { buildLastingEnv, type Context } from "./context.ts";

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
  // What is started outlives the command, so the project's secrets are not in its environment.
  if (section.type === "local")
    return createHost(createLocalMachine(buildLastingEnv(context.world, context.project)));
  const host = section.hosts.find((one) => one.name === name);
  if (host) return createHost(createSshMachine(accessTo(context, host)));
  throw new SestaError("UNKNOWN_TARGET", `${name} is not among the hosts of ${target} any more`, {
    hint: `Put it back under \`hosts:\` of ${target} in sesta.yaml.`,
  });
}

function accessTo({ world, project, folder }: Context, host: HostSection): SshAccess {
  // The connection outlives the command too.
  const env = buildLastingEnv(world, project);
  return { host, folder: project.folder, stateFolder: folder, env, ask: world.asks };
}

export type UnknownHost = { name: string; key: HostKey; pin(): Promise<void> };

/** Those of the first `count` machines of a target whose key nobody has confirmed, with the keys that they show. */
export async function listUnknownHosts(
  context: Context,
  target: string,
  count: number,
): Promise<UnknownHost[]> {
  const section = getTarget(context, target);
  if (section.type === "local") return [];
  const found = await Promise.all(
    section.hosts.slice(0, count).map(async (host): Promise<UnknownHost[]> => {
      const access = accessTo(context, host);
      if (await isPinned(access)) return [];
      const key = await findHostKey(access);
      return [{ name: host.name, key, pin: () => pinHostKey(access, key.line) }];
    }),
  );
  return found.flat();
}

/** As the file has it, or as it was when something was last brought there. @throws SestaError UNKNOWN_TARGET */
export function getTarget({ project, state }: Context, name: string): TargetSection {
  const found = Object.hasOwn(project.targets, name) ? project.targets[name] : undefined;
  if (found) return found;
  const remembered = state.findSetting(`target ${name}`);
  if (remembered !== undefined) return JSON.parse(remembered) as TargetSection;
  throw new SestaError("UNKNOWN_TARGET", `Target ${name} is not in sesta.yaml any more`, {
    hint: "Put it back under `targets:`.",
  });
}
