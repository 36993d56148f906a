// A release as the command line prints it in JSON.
import type { Release } from "../model/release.ts";

export function buildReleaseJson(release: Release) {
  return {
    number: release.number,
    state: release.state,
    why: release.why,
    phase: release.phase,
    at: new Date(release.at).toISOString(),
    live_since: release.liveSince === null ? null : new Date(release.liveSince).toISOString(),
    by: release.by,
    commit: release.commit,
    dirty: release.dirty,
    digest: release.digest,
    figures: release.figures,
    log_tail: release.logTail,
  };
}
