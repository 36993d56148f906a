// `sesta runs`: every run of the project, newest first, asked of its machines.
import { refreshRuns } from "../../operations/jobs/refresh.ts";
import { getJob } from "../../operations/jobs/find-job.ts";
import { buildRunJson } from "../run-json.ts";
import { formatRuns } from "../run-table.ts";
import type { Verb } from "../session.ts";

type Flags = { lines: number };

export const runs: Verb<Flags, [string?]> = async (session, flags, job) => {
  const { terminal, world } = session;
  const context = await session.open();
  const known = context.state.listRuns(job);
  if (job !== undefined && known.length === 0) getJob(context, job);
  const found = await refreshRuns(context, known.slice(0, flags.lines));
  if (flags.json) return session.json({ runs: found.map(buildRunJson) });
  if (found.length === 0) return terminal.out("No runs yet; `sesta run JOB` makes one.\n");
  terminal.out(formatRuns(found, world.clock.now(), terminal.paint));
};
