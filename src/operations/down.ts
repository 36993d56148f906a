// Takes workloads away and proves it with a receipt. What people made stays, and so does the record.
import type { Plan, Progress, Receipt } from "../model/plan.ts";
import type { Context } from "./context.ts";
import { findGateway, reloadGateway, stopGateway } from "./gateway.ts";
import { syncHistory } from "./history.ts";
import { lockProject } from "./up.ts";

export type DownResult = { receipts: Receipt[]; gatewayStopped: boolean };

/** @param all whether nothing was named: then the gateway and the agent end too */
export async function down(
  context: Context,
  plans: readonly Plan[],
  all: boolean,
  on: Progress,
): Promise<DownResult> {
  const lock = await lockProject(context, "down");
  try {
    const receipts: Receipt[] = [];
    for (const plan of plans) {
      const result = await context.target.apply(plan, on);
      if (result.kind === "receipt") receipts.push(result);
    }
    await syncHistory(context);
    if (!all) {
      await reloadGateway(context);
      return { receipts, gatewayStopped: false };
    }
    const gatewayStopped = (await findGateway(context)) !== undefined;
    await stopGateway(context);
    if (await context.target.agent.findHello()) await context.target.agent.call("stop", {});
    return { receipts, gatewayStopped };
  } finally {
    lock.release();
  }
}
