// Brings workloads up as planned, and the gateway in front of them. Labs end asleep, ready to be woken.
import type { Progress } from "../model/plan.ts";
import type { GatewayHello } from "../model/gateway-protocol.ts";
import { takeLock } from "../state/lock.ts";
import type { Context } from "./context.ts";
import { saveFirst } from "./first-save.ts";
import { ensureGateway } from "./gateway.ts";
import { prepare } from "./jobs/prepare.ts";
import type { ProjectPlan } from "./plan.ts";
import { deploy } from "./services/deploy.ts";
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
 * What is on a host that is away by then is left out where nothing was named, see `plan.away`.
 * @throws SestaError BUSY when another verb changes this project, STALE_PLAN, SAVE_REMOTE at the end of a first `up`
 */
export async function up(
  context: Context,
  { plans, jobs, services, away }: Pick<ProjectPlan, "plans" | "jobs" | "services" | "away">,
  on: Progress,
  onUp: (gateway: GatewayHello) => void = () => undefined,
): Promise<UpResult> {
  const lock = await lockProject(context, "up");
  try {
    const changedPasswords = await syncPasswords(context);
    for (const plan of plans) {
      context.targets.remember(plan.target);
      await away.attempt([plan], () => context.targets.get(plan.target).apply(plan, on));
    }
    for (const service of services) {
      if (service.action === "none") continue;
      await away.attempt([service], () => deploy(context, service, { figures: [] }, on));
    }
    const needed = plans.length > 0 || context.state.listWorkloads().length > 0;
    const gateway = needed ? await openGateway(context, on) : null;
    if (gateway) onUp(gateway);
    for (const job of jobs) {
      const { preparation } = job;
      if (preparation) await away.attempt([job], () => prepare(context, preparation, on));
    }
    const warnings = await saveFirst(context, { plans, away }, on);
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
