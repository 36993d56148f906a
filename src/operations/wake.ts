// Wakes a workload, or puts it to sleep, and waits until it is.
import { SestaError } from "../base/errors.ts";
import type { Report } from "../model/status.ts";
import type { Context } from "./context.ts";
import { ensureGateway } from "./gateway.ts";
import { requireKnown } from "./plan.ts";
import { supplyMissingTokens } from "./tokens.ts";

/** Each report on the way. */
export type OnReport = (report: Report) => void;

/** @throws SestaError START_FAILED with the log's last lines */
export async function wake(context: Context, name: string, on: OnReport): Promise<Report> {
  requireKnown(context, name);
  await ensureGateway(context);
  await supplyMissingTokens(context, [name]);
  await context.targets.of(name).wake(name, "Woken from the command line.", "owner");
  return requireAwake(await settle(context, name, on));
}

/** Its last save needs the token, where nobody has given it to the agent yet. */
export async function sleep(context: Context, name: string, on: OnReport): Promise<Report> {
  requireKnown(context, name);
  await supplyMissingTokens(context, [name]);
  await context.targets.of(name).sleep(name, "Put to sleep from the command line.", "owner");
  return settle(context, name, on);
}

/** @throws SestaError START_FAILED with the log's last lines */
export function requireAwake(report: Report): Report {
  const { name, state, why, logTail } = report;
  if (state === "awake") return report;
  throw new SestaError("START_FAILED", `${name} failed to start: ${why}`, {
    problems: logTail,
    ...(logTail.length > 0 && { hint: `Run \`sesta logs ${name}\` for more.` }),
  });
}

/** Its report when it neither wakes nor goes to sleep any more. */
export async function settle({ targets, world }: Context, name: string, on: OnReport): Promise<Report> {
  for await (const event of targets.of(name).agent.watch(Number.MAX_SAFE_INTEGER, world.signal)) {
    if (!("report" in event) || event.report.name !== name) continue;
    on(event.report);
    if (event.report.state !== "waking" && event.report.state !== "sleeping") return event.report;
  }
  world.signal.throwIfAborted();
  throw new SestaError("AGENT_UNREACHABLE", "The agent went away", {
    hint: `Run \`sesta status\`, then try again.`,
  });
}
