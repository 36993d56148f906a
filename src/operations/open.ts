// The address of a workload for its owner's browser: that of a service, else one that is good once, for a minute.
import { SestaError } from "../base/errors.ts";
import type { Context } from "./context.ts";
import { askGateway, ensureGateway } from "./gateway.ts";
import { requireUp } from "./plan.ts";
import { findServiceUrl } from "./services/url.ts";

/**
 * @param name none opens the index of the project
 * @throws SestaError UNKNOWN_WORKLOAD, NOT_UP; UNSUPPORTED for a service that only its own machine reaches
 */
export async function createOpenAddress(
  context: Context,
  name?: string,
): Promise<{ url: string; expiresInSeconds: number | null }> {
  const isService = name !== undefined && requireUp(context, name).launch.service !== undefined;
  await ensureGateway(context);
  if (isService) return { url: getServiceUrl(context, name), expiresInSeconds: null };
  return askGateway(context, "ticket", { workload: name ?? null });
}

/** Its port is its application's alone: a code would only reach that. */
function getServiceUrl(context: Context, name: string): string {
  const url = findServiceUrl(context, name);
  if (url !== null) return url;
  throw new SestaError("UNSUPPORTED", `${name} is open on its own machine only`, {
    hint: `Add \`host\` to it in sesta.yaml, or ask it there: \`sesta exec ${name} -- curl …\`.`,
  });
}
