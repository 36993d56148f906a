// An address that makes a browser the owner's: good once, for a minute.
import type { Context } from "./context.ts";
import { askGateway, ensureGateway } from "./gateway.ts";
import { requireKnown } from "./plan.ts";

/** @param name none opens the index of the project */
export async function createOpenAddress(
  context: Context,
  name?: string,
): Promise<{ url: string; expiresInSeconds: number }> {
  if (name !== undefined) requireKnown(context, name);
  await ensureGateway(context);
  return askGateway(context, "ticket", { workload: name ?? null });
}
