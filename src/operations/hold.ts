// Keeps a workload awake for a time, whatever its idle rule says, or lets go of it.
import { formatDuration } from "../model/duration.ts";
import type { Report } from "../model/status.ts";
import type { Context } from "./context.ts";
import { ensureGateway } from "./gateway.ts";
import { requireUp } from "./plan.ts";
import { supplyMissingTokens } from "./tokens.ts";
import { requireAwake, settle, type OnReport } from "./wake.ts";

/**
 * Wakes it first.
 * @throws SestaError NOT_UP, START_FAILED with the log's last lines
 */
export async function hold(
  context: Context,
  name: string,
  { forMs, reason }: { forMs: number; reason: string | null },
  on: OnReport,
): Promise<Report> {
  requireUp(context, name);
  await ensureGateway(context);
  await supplyMissingTokens(context, [name]);
  const { agent } = context.targets.of(name);
  await context.targets.of(name).rouse();
  const why = `Held awake for ${formatDuration(forMs)} from the command line${reason === null ? "." : `: ${reason}`}`;
  await agent.call("hold", { name, why, by: "owner", forMs, reason });
  return requireAwake(await settle(context, name, on));
}

/**
 * It sleeps again when nobody uses it.
 * @returns also whether it was held until now
 * @throws SestaError NOT_UP
 */
export async function letGo(context: Context, name: string): Promise<{ report: Report; wasHeld: boolean }> {
  requireUp(context, name);
  const { agent } = context.targets.of(name);
  await agent.ensure();
  const wasHeld = (await context.targets.of(name).status(name)).hold !== null;
  const why = "Let go from the command line.";
  return { report: await agent.call("hold", { name, why, by: "owner", forMs: null, reason: null }), wasHeld };
}
