// Brings saves that went aside back to a branch: first what differs, then exactly that.
import type { Comparison } from "../model/agent-protocol.ts";
import type { SaveReport } from "../model/save.ts";
import type { Context } from "./context.ts";
import { callLong, requireSaved } from "./save.ts";
import { supplyToken } from "./tokens.ts";

/** Changes nothing. @throws SestaError as `saveNow` */
export async function compareWith(context: Context, name: string, onto: string): Promise<Comparison> {
  requireSaved(context, name);
  await context.target.agent.ensure();
  await supplyToken(context, name);
  return callLong(context, "compare", { name, onto });
}

/** @param tip of the comparison that was shown */
export function saveOnto(context: Context, name: string, onto: string, tip: string): Promise<SaveReport> {
  return callLong(context, "onto", { name, onto, tip });
}
