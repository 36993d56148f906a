// Takes workloads away and proves it with a receipt. What people made stays, and so does the record.
import type { Progress, Receipt } from "../model/plan.ts";
import type { Context } from "./context.ts";
import { findGateway, reloadGateway, stopGateway } from "./gateway.ts";
import { syncHistory } from "./history.ts";
import { destroyJob } from "./jobs/destroy.ts";
import { forgetJob } from "./jobs/forget.ts";
import { backUpBeforeDown } from "./backups/before-down.ts";
import { inStage } from "../targets/step.ts";
import { findDebt, type ProjectPlan } from "./plan.ts";
import { listOn } from "./targets.ts";
import { lockProject } from "./up.ts";

export type DownResult = {
  receipts: Receipt[];
  /** What the repositories did not have when their workloads went; it is in the folders that remain. */
  unsaved: { name: string; why: string }[];
  /** Of what had data of its own, as it was at the end; absolute, on its machine. */
  backups: { name: string; file: string }[];
  gatewayStopped: boolean;
  /** Nothing was named, and something is up all the same: its host is away. */
  gatewayGoesOn: boolean;
};

/**
 * @param discards what trackers hold goes without a backup
 * @param all whether nothing was named: then the gateway and the agents end too, once nothing is up any more. What is
 * on a host that is away by then is left out, see `plan.away`.
 */
export async function down(
  context: Context,
  { plans, jobs, away }: Pick<ProjectPlan, "plans" | "jobs" | "away">,
  { all, discards = false }: { all: boolean; discards?: boolean },
  on: Progress,
): Promise<DownResult> {
  const lock = await lockProject(context, "down");
  try {
    const receipts: Receipt[] = [];
    const unsaved: DownResult["unsaved"] = [];
    const backups: DownResult["backups"] = [];
    const touched = new Set(plans.flatMap(({ target, action }) => (action === "forget" ? [] : [target])));
    const before = context.targets.inUse().filter(({ name, remote }) => !remote || touched.has(name));
    // First: a tracker is to know how its runs ended, and its backup with it.
    const ofJobs: Receipt[] = [];
    for (const job of jobs) {
      const takeAway = job.action === "forget" ? forgetJob : destroyJob;
      const receipt = await away.attempt([job], () => takeAway(context, job.name, on));
      if (receipt) ofJobs.push(receipt);
    }
    for (const plan of plans) {
      await away.attempt([plan], async () => {
        const why = plan.action === "forget" ? undefined : await findDebt(context, plan.name);
        const data = context.state.findWorkload(plan.name)?.launch.backup;
        if (data && plan.action === "destroy" && !discards) {
          const file = await backUpBeforeDown(context, plan.name, inStage(on, "Destroying"));
          if (file !== null) backups.push({ name: plan.name, file });
        }
        const result = await context.targets.get(plan.target).apply(plan, on);
        if (why !== undefined) unsaved.push({ name: plan.name, why });
        if (result.kind === "receipt") receipts.push(result);
      });
    }
    receipts.push(...ofJobs);
    await syncHistory(context, before);
    // The gateway is there for whatever is up, also on a host that is away.
    const isOver = all && context.state.listWorkloads().length === 0;
    const gatewayStopped = isOver && (await findGateway(context)) !== undefined;
    const running = isOver ? void (await stopGateway(context)) : await reloadGateway(context);
    const idle = before.filter(({ name }) => all && listOn(context.state, name).length === 0);
    // On a host it may look after what another copy of the project has there.
    for (const { agent } of idle)
      if ((await agent.findHello()) && (await agent.call("list", {})).length === 0)
        await agent.call("stop", {});
    return { receipts, unsaved, backups, gatewayStopped, gatewayGoesOn: all && running !== undefined };
  } finally {
    lock.release();
  }
}
