// The port of a service: the one in the project file, or the one it has, or the next free one, kept for ever.
import type { ServiceSection } from "../../model/project.ts";
import type { Context } from "../context.ts";
import { createPortClaims } from "../port-claims.ts";

/** Above the gateway's own. */
const firstPort = 8471;

/** Undefined where it will be chosen when it is brought up. */
export function findServicePort({ state }: Context, { name, port }: ServiceSection): number | undefined {
  return port ?? state.findWorkload(name)?.launch.service?.listen.port ?? state.listPorts().get(name);
}

export async function chooseServicePort(context: Context, section: ServiceSection): Promise<number> {
  const { state, world, project, targets } = context;
  const known = findServicePort(context, section);
  if (known !== undefined) return known;
  const claims = createPortClaims(world.cacheFolder, project.folder);
  const others = section.target === "local" ? await claims.listOthers() : [];
  const reserved = [...state.listPorts().values(), ...others];
  const { agent } = targets.get(section.target);
  await agent.ensure();
  const port = await agent.call("freePort", { host: section.host, from: firstPort, reserved });
  if (section.target === "local") {
    state.setPort(section.name, port);
    await claims.claim(port);
  }
  return port;
}
