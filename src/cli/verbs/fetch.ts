// `sesta fetch`: brings a run's outputs home, also while it runs.
import { SestaError } from "../../base/errors.ts";
import { fetchRun } from "../../operations/jobs/fetch.ts";
import { getRun } from "../../operations/jobs/find-job.ts";
import { refreshRun } from "../../operations/jobs/refresh.ts";
import { createReporter } from "../progress.ts";
import { describeFetched } from "../run-table.ts";
import type { Verb } from "../session.ts";

/** What it fetches was decided when it began. */
function explainLarge({ message }: SestaError, id: string): SestaError {
  return new SestaError("FETCH_TOO_LARGE", message, {
    hint: `\`sesta fetch ${id} --limit 50GB\` brings more; many files go into an archive first, as by \`sesta exec ${id} -- tar\`.`,
  });
}

export const fetch: Verb<{ limit?: number | undefined }, [string]> = async (session, flags, name) => {
  const { terminal, world } = session;
  const context = await session.open();
  const run = await refreshRun(context, getRun(context, name));
  const reporter = createReporter(terminal, world.clock);
  try {
    const onProgress = (done: number, total: number) => reporter.bytes(`${run.id}: fetch`, done, total);
    const fetched = await fetchRun(context, run, onProgress, flags.limit).catch((error: unknown) => {
      throw error instanceof SestaError && error.code === "FETCH_TOO_LARGE"
        ? explainLarge(error, run.id)
        : error;
    });
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
