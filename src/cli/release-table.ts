// Releases as people read them: one line each, and what became of one.
import type { Release, ReleaseState } from "../model/release.ts";
import type { Context } from "../operations/context.ts";
import { formatTime } from "./durations.ts";
import { formatTable, type Paint } from "./terminal.ts";

const styles = {
  starting: "yellow",
  live: "green",
  replaced: "dim",
  failed: "red",
} as const satisfies Record<ReleaseState, string>;

export function formatReleases(releases: readonly Release[], paint: Paint): string {
  const rows = releases.map((release) => [
    String(release.number),
    paint(styles[release.state], release.state),
    formatTime(release.at),
    release.by,
    release.commit === null ? "" : `${release.commit.slice(0, 8)}${release.dirty ? "+" : ""}`,
    release.digest.replace("sha256:", "").slice(0, 12),
    release.figures.map(({ name, value }) => `${name} ${value}`).join(", "),
    release.why,
  ]);
  const head = ["release", "state", "made", "by", "commit", "digest", "figures", "why"];
  return formatTable([head.map((cell) => paint("dim", cell)), ...rows]);
}

/** Where it is reached now. */
export function formatReleased(
  { state }: Context,
  name: string,
  release: Release,
  url: string | null,
): string {
  const placed = state.findWorkload(name);
  const where = url ?? `port ${placed?.launch.service?.listen.port} of ${placed?.target}`;
  return `release ${release.number} of ${name} is live  ${where}\n`;
}
