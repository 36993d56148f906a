// Brings workloads up as planned, and the gateway in front of them. Labs end asleep, ready to be woken.
import type { Plan, Progress } from "../model/plan.ts";
import type { GatewayHello } from "../model/gateway-protocol.ts";
import { takeLock } from "../state/lock.ts";
import type { Context } from "./context.ts";
import { saveFirst } from "./first-save.ts";
import { ensureGateway } from "./gateway.ts";
import { syncPasswords, type ChangedPassword } from "./passwords.ts";

export type UpResult = {
  gateway: GatewayHello;
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
  plans: readonly Plan[],
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
    const step = { workload: "", step: "gateway" };
    on({ ...step, state: "running" });
    const gateway = await ensureGateway(context);
    on({ ...step, state: "done", detail: gateway.url });
    onUp(gateway);
    const warnings = await saveFirst(context, plans, on);
    return { gateway, changedPasswords, warnings };
  } finally {
    lock.release();
  }
}

export function lockProject({ folder, world }: Context, verb: string) {
  return takeLock(`${folder}/verb`, { verb, pid: world.pid, since: world.clock.now() });
}
