// Brings a saved state back: into a folder of its own, or over the workspace.
import type { Restored, RestoreRequest } from "../model/agent-protocol.ts";
import type { Context } from "./context.ts";
import { callLong, requireSaved } from "./save.ts";
import { supplyMissingTokens } from "./tokens.ts";

/** @throws SestaError NOT_UP, UNSUPPORTED where nothing is saved, SAVE_MISSING */
export async function restore(context: Context, request: RestoreRequest): Promise<Restored> {
  const { name } = request;
  requireSaved(context, name);
  await context.target.agent.ensure();
  await supplyMissingTokens(context, [name]);
  return callLong(context, "restore", request);
}
