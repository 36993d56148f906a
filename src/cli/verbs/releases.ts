// `sesta releases SERVICE`: what was deployed, newest first.
import { getService, listReleases } from "../../operations/services/releases.ts";
import { buildReleaseJson } from "../release-json.ts";
import { formatReleases } from "../release-table.ts";
import type { Verb } from "../session.ts";

export const releases: Verb<object, [string]> = async (session, flags, name) => {
  const context = await session.open();
  getService(context, name);
  const found = await listReleases(context, name);
  if (flags.json) return session.json({ service: name, releases: found.map(buildReleaseJson) });
  if (found.length === 0)
    return session.terminal.out(`No release yet; \`sesta deploy ${name}\` makes one.\n`);
  session.terminal.out(formatReleases(found, session.terminal.paint));
};
