// `sesta plan`: what `up` would do, and nothing else.
import { planUp } from "../../operations/plan.ts";
import { checkSecrets } from "../../project/secret.ts";
import { printPlans, throwMissingSecrets } from "../print-plan.ts";
import type { Verb } from "../session.ts";

export const plan: Verb<object, string[]> = async (session, flags, ...names) => {
  const context = await session.open();
  throwMissingSecrets(
    context.project,
    await checkSecrets(context.project, session.world.env),
    session.terminal,
  );
  const found = await planUp(context, names);
  if (flags.json) {
    const plans = [
      ...found.plans.map(({ wanted: _, basis: __, ...shown }) => shown),
      ...found.jobs.map(({ preparation: _, ...shown }) => shown),
    ];
    return session.json({ project: context.project.name, plans, orphans: found.orphans });
  }
  printPlans(found, session.terminal);
};
