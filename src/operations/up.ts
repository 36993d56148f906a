// Brings workloads up as planned, and the gateway in front of them. Labs end asleep, ready to be woken.
import type { Progress } from "../model/plan.ts";
import type { GatewayHello } from "../model/gateway-protocol.ts";
import { takeLock } from "../state/lock.ts";
import type { Context } from "./context.ts";
import { saveFirst } from "./first-save.ts";
import { ensureGateway } from "./gateway.ts";
import { prepare } from "./jobs/prepare.ts";
import type { ProjectPlan } from "./plan.ts";
import { syncPasswords, type ChangedPassword } from "./passwords.ts";

export type UpResult = {
  /** Null where nothing needs one: jobs do without. */
  gateway: GatewayHello | null;
  changedPasswords: ChangedPassword[];
  /** What is up, but not as it should be. */
  warnings: string[];
};

/**
 * @param onUp called once everything is up, before its files are saved for the first time
 * @throws SestaError BUSY when another verb changes this project, STALE_PLAN, SAVE_REMOTE at the end of a first `up`
 */
export async function up(
  context: Context,
  { plans, jobs }: Pick<ProjectPlan, "plans" | "jobs">,
  on: Progress,
  onUp: (gateway: GatewayHello) => void = () => undefined,
): Promise<UpResult> {
  const lock = await lockProject(context, "up");
  try {
    const changedPasswords = await syncPasswords(context);
    for (const plan of plans) {
      context.targets.remember(plan.target);
      await context.targets.get(plan.target).apply(plan, on);
    }
    const needed = plans.length > 0 || context.state.listWorkloads().length > 0;
    const gateway = needed ? await openGateway(context, on) : null;
    if (gateway) onUp(gateway);
    for (const { preparation } of jobs) if (preparation) await prepare(context, preparation, on);
    const warnings = await saveFirst(context, plans, on);
    return { gateway, changedPasswords, warnings };
  } finally {
    lock.release();
  }
}

async function openGateway(context: Context, on: Progress): Promise<GatewayHello> {
  const step = { workload: "", step: "gateway" };
  on({ ...step, state: "running" });
  const gateway = await ensureGateway(context);
  on({ ...step, state: "done", detail: gateway.url });
  return gateway;
}

export function lockProject({ folder, world }: Context, verb: string) {
  return takeLock(`${folder}/verb`, { verb, pid: world.pid, since: world.clock.now() });
}
