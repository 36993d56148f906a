// The releases of a service, as its machine keeps them.
import { SestaError } from "../../base/errors.ts";
import type { ServiceSection } from "../../model/project.ts";
import { findService } from "../../model/project.ts";
import type { Release } from "../../model/release.ts";
import type { Context } from "../context.ts";
import { requireKnown } from "../plan.ts";

/** Newest first; none where it was never brought up. */
export async function listReleases({ state, targets }: Context, name: string): Promise<Release[]> {
  if (!state.findWorkload(name)) return [];
  const { agent } = targets.of(name);
  await agent.ensure();
  const known = await agent.call("list", {});
  return known.some((report) => report.name === name) ? agent.call("releases", { name }) : [];
}

/** @throws SestaError UNKNOWN_WORKLOAD, UNSUPPORTED for what is no service */
export function getService(context: Context, name: string): ServiceSection {
  const section = findService(context.project, name);
  if (section) return section;
  requireKnown(context, name);
  throw new SestaError("UNSUPPORTED", `${name} is no service: only a service has releases`, {
    hint: "`sesta status` lists what there is.",
  });
}
