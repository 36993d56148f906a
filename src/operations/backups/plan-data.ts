// What becomes of a tracker's data when it is taken down, for the plan.
import { describeBackedUp, findLeftOut, listGoing } from "../../model/kept-data.ts";
import type { BackupRule } from "../../model/launch.ts";
import type { Plan } from "../../model/plan.ts";
import type { Context } from "../context.ts";

/** Shown before anybody says yes. */
export function planData({ state }: Context, plan: Plan, discards: boolean): Plan {
  const rule = state.findWorkload(plan.name)?.launch.backup;
  if (!rule) return plan;
  const steps = plan.steps.flatMap((step, index) =>
    index === 0 && !discards ? [step, describeLast(rule)] : [step],
  );
  const warnings = discards ? describeLoss(plan.name, rule) : [];
  return { ...plan, steps, warnings: [...plan.warnings, ...warnings] };
}

function describeLast(rule: BackupRule): string {
  const leftOut = findLeftOut(rule);
  const without = leftOut === undefined ? "" : `; ${leftOut} are not in it`;
  return `back up its ${describeBackedUp(rule)}, and try the backup out${without}`;
}

function describeLoss(name: string, rule: BackupRule): string[] {
  const going = listGoing(rule);
  const lost = [
    ...(going.includes("database") ? ["runs", "models"] : []),
    ...(going.includes("artifacts") ? ["artifacts"] : []),
  ];
  if (lost.length === 0) return [];
  return [`the ${lost.join(", ").replace(/, (?=[^,]*$)/, " and ")} of ${name} are lost for good`];
}
