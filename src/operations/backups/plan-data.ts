// What becomes of a tracker's data when it is taken down, for the plan.
import type { Plan } from "../../model/plan.ts";
import type { Context } from "../context.ts";

/** Shown before anybody says yes. */
export function planData({ state }: Context, plan: Plan, discards: boolean): Plan {
  if (!state.findWorkload(plan.name)?.launch.backup) return plan;
  const steps = plan.steps.flatMap((step, index) =>
    index === 0 && !discards ? [step, "back up its database and artifacts, and try the backup out"] : [step],
  );
  const warnings = discards ? [`the runs, models and artifacts of ${plan.name} are lost for good`] : [];
  return { ...plan, steps, warnings: [...plan.warnings, ...warnings] };
}
