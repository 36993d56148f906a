// `sesta rollback SERVICE`: goes back to an earlier release, without building anything.
import { SestaError } from "../../base/errors.ts";
import { getService, listReleases } from "../../operations/services/releases.ts";
import { rollback as goBack } from "../../operations/services/rollback.ts";
import { lockProject } from "../../operations/up.ts";
import { createReporter } from "../progress.ts";
import { formatReleased } from "../release-table.ts";
import { findServiceUrl } from "../../operations/services/url.ts";
import { buildReleaseJson } from "../release-json.ts";
import type { Verb } from "../session.ts";

export const rollback: Verb<object, [string, string?]> = async (session, flags, name, asked) => {
  const { terminal, world } = session;
  const context = await session.open();
  getService(context, name);
  const number = asked === undefined ? null : readNumber(asked);
  const releases = await listReleases(context, name);
  const live = releases.find(({ state }) => state === "live");
  const wanted = releases.find((one) => (number === null ? one.state === "replaced" : one.number === number));
  const what = wanted ? `release ${wanted.number}` : "the release before";
  if (live && !(await session.confirm(`Go back from release ${live.number} to ${what}?`))) return;
  const reporter = createReporter(terminal, world.clock);
  const lock = await lockProject(context, "rollback");
  try {
    const release = await goBack(context, name, wanted?.number ?? number, reporter.step);
    reporter.end();
    if (flags.json) session.json({ release: buildReleaseJson(release) });
    else terminal.out(formatReleased(context, name, release, findServiceUrl(context, name)));
  } finally {
    lock.release();
    reporter.end();
  }
};

function readNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new SestaError("USAGE", `"${text}" is no release`, {
    hint: "A release is a number, as in `sesta releases`.",
  });
}
