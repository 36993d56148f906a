// `sesta fetch`: brings a run's outputs home, also while it runs.
import { SestaError } from "../../base/errors.ts";
import { fetchRun } from "../../operations/jobs/fetch.ts";
import { getRun } from "../../operations/jobs/find-job.ts";
import { refreshRun } from "../../operations/jobs/refresh.ts";
import { createReporter } from "../progress.ts";
import { describeFetched } from "../run-table.ts";
import type { Verb } from "../session.ts";

export const fetch: Verb<object, [string]> = async (session, flags, name) => {
  const { terminal, world } = session;
  const context = await session.open();
  const run = await refreshRun(context, getRun(context, name));
  const reporter = createReporter(terminal, world.clock);
  try {
    const fetched = await fetchRun(context, run, (done, total) =>
      reporter.bytes(`${run.id}: fetch`, done, total),
    );
    reporter.end();
    if (!fetched) {
      throw new SestaError("USAGE", `${run.job} names nothing to fetch`, {
        hint: `Add \`fetch: [output/]\` to ${run.job} in sesta.yaml; it counts for runs from then on.`,
      });
    }
    if (flags.json) return session.json({ id: run.id, ...fetched });
    terminal.out(describeFetched(fetched, terminal.paint));
  } finally {
    reporter.end();
  }
};
