// Brings workloads up as planned, and the gateway in front of them. Labs end asleep, ready to be woken.
import { SestaError } from "../base/errors.ts";
import type { Progress } from "../model/plan.ts";
import type { GatewayHello } from "../model/gateway-protocol.ts";
import { takeLock } from "../state/lock.ts";
import type { Context } from "./context.ts";
import { saveFirst } from "./first-save.ts";
import { ensureGateway } from "./gateway.ts";
import { placeKeptSecrets } from "./kept-secrets.ts";
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
 * @throws SestaError BUSY when another verb changes this project, STALE_PLAN; at the end DEPLOY_FAILED, SAVE_REMOTE of a first `up`
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
    const warnings: string[] = [];
    for (const plan of plans) {
      context.targets.remember(plan.target);
      await away.attempt([plan], async () => {
        await context.targets.get(plan.target).apply(plan, on);
        warnings.push(...(await placeKeptSecrets(context, plan.name)));
      });
    }
    const failed = await deployAll(context, { services, away }, on);
    const needed = plans.length > 0 || context.state.listWorkloads().length > 0;
    const gateway = needed ? await openGateway(context, on) : null;
    if (gateway) onUp(gateway);
    for (const job of jobs) {
      const { preparation } = job;
      if (preparation) await away.attempt([job], () => prepare(context, preparation, on));
    }
    const failure = joinFailures(failed);
    if (failure) throw failure;
    warnings.push(...(await saveFirst(context, { plans, away }, on)));
    return { gateway, changedPasswords, warnings };
  } finally {
    lock.release();
  }
}

/** One that does not become healthy keeps nothing else from coming up: its failure is told at the end. */
async function deployAll(
  context: Context,
  { services, away }: Pick<ProjectPlan, "services" | "away">,
  on: Progress,
): Promise<SestaError[]> {
  const failed: SestaError[] = [];
  for (const service of services) {
    if (service.action === "none") continue;
    const deployed = away.attempt([service], () => deploy(context, service, { figures: [] }, on));
    await deployed.catch((error: unknown) => {
      if (!(error instanceof SestaError) || error.code !== "DEPLOY_FAILED") throw error;
      failed.push(error);
    });
  }
  return failed;
}

function joinFailures([first, ...others]: readonly SestaError[]): SestaError | undefined {
  if (!first || others.length === 0) return first;
  const all = [first, ...others];
  return new SestaError("DEPLOY_FAILED", `${all.length} services did not become healthy`, {
    problems: all.flatMap(({ message, problems }) => [message, ...problems]),
    hint: "Mend that, then run the same command again: what is up stays as it is.",
    cause: first,
  });
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
