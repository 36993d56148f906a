// An address that makes a browser the owner's: good once, for a minute.
import type { Context } from "./context.ts";
import { askGateway, ensureGateway } from "./gateway.ts";
import { requireUp } from "./plan.ts";

/**
 * @param name none opens the index of the project
 * @throws SestaError UNKNOWN_WORKLOAD, NOT_UP
 */
export async function createOpenAddress(
  context: Context,
  name?: string,
): Promise<{ url: string; expiresInSeconds: number }> {
  if (name !== undefined) requireUp(context, name);
  await ensureGateway(context);
  return askGateway(context, "ticket", { workload: name ?? null });
}
