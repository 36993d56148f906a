// Takes workloads away and proves it with a receipt. What people made stays, and so does the record.
import type { Progress, Receipt } from "../model/plan.ts";
import type { Context } from "./context.ts";
import { findGateway, reloadGateway, stopGateway } from "./gateway.ts";
import { syncHistory } from "./history.ts";
import { destroyJob } from "./jobs/destroy.ts";
import { findDebt, type ProjectPlan } from "./plan.ts";
import { lockProject } from "./up.ts";

export type DownResult = {
  receipts: Receipt[];
  /** What the repositories did not have when their workloads went; it is in the folders that remain. */
  unsaved: { name: string; why: string }[];
  gatewayStopped: boolean;
};

/** @param all whether nothing was named: then the gateway and the agents end too */
export async function down(
  context: Context,
  { plans, jobs }: Pick<ProjectPlan, "plans" | "jobs">,
  all: boolean,
  on: Progress,
): Promise<DownResult> {
  const lock = await lockProject(context, "down");
  try {
    const receipts: Receipt[] = [];
    const unsaved: DownResult["unsaved"] = [];
    const before = context.targets.inUse();
    for (const plan of plans) {
      const why = await findDebt(context, plan.name);
      if (why !== undefined) unsaved.push({ name: plan.name, why });
      const result = await context.targets.get(plan.target).apply(plan, on);
      if (result.kind === "receipt") receipts.push(result);
    }
    for (const { name } of jobs) receipts.push(await destroyJob(context, name, on));
    await syncHistory(context, before);
    if (!all) {
      await reloadGateway(context);
      return { receipts, unsaved, gatewayStopped: false };
    }
    const gatewayStopped = (await findGateway(context)) !== undefined;
    await stopGateway(context);
    for (const { agent } of before) if (await agent.findHello()) await agent.call("stop", {});
    return { receipts, unsaved, gatewayStopped };
  } finally {
    lock.release();
  }
}
