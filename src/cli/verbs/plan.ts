// `sesta plan`: what `up` would do, and nothing else.
import { createAway } from "../../operations/away.ts";
import { planUp } from "../../operations/plan.ts";
import { checkSecrets } from "../../project/secret.ts";
import { endLeftOut } from "../left-out.ts";
import { printPlans, throwMissingSecrets } from "../print-plan.ts";
import type { Verb } from "../session.ts";

export const plan: Verb<object, string[]> = async (session, flags, ...names) => {
  const context = await session.open();
  throwMissingSecrets(
    context.project,
    await checkSecrets(context.project, session.world.env),
    session.terminal,
  );
  const found = await planUp(context, names, createAway("plan", names));
  if (flags.json) {
    const plans = [
      ...found.plans.map(({ wanted: _, basis: __, ...shown }) => shown),
      ...found.jobs.map(({ preparation: _, ...shown }) => shown),
      ...found.services.map(({ section: _, sources: __, launch: ___, live: ____, ...shown }) => shown),
    ];
    const { orphans, unmade, away } = found;
    session.json({ project: context.project.name, plans, orphans, unmade, leftOut: away.list() });
  } else printPlans(found, session.terminal);
  endLeftOut(session, found.away.list());
};
