// `sesta restore`: brings a saved state back, into a folder of its own or over the workspace; of a tracker, a backup.
import { resolve } from "node:path";
import { SestaError } from "../../base/errors.ts";
import type { Restored } from "../../model/agent-protocol.ts";
import { restore as bringBack } from "../../operations/restore.ts";
import { formatTime } from "../durations.ts";
import { parseAt } from "../parse-at.ts";
import { count, listFiles } from "../save-text.ts";
import type { Verb } from "../session.ts";

type Flags = { at?: string | undefined; to?: string | undefined; from?: string | undefined };

export const restore: Verb<Flags, [string]> = async (session, flags, name) => {
  const { terminal, world } = session;
  const at = flags.at === undefined ? null : parseAt(flags.at, world.clock.now());
  const context = await session.open();
  if (context.state.findWorkload(name)?.launch.backup) {
    if (flags.at !== undefined || flags.to !== undefined)
      throw new SestaError(
        "USAGE",
        `--at and --to are for workspaces: a backup of ${name} is named by --from`,
      );
    const { restoreBackup } = await import("./restore-backup.ts");
    return restoreBackup(session, context, name, flags.from);
  }
  if (flags.from !== undefined)
    throw new SestaError("USAGE", `--from is for trackers: a save of ${name} is named by --at`);
  const to =
    flags.to === undefined ? null : await context.targets.of(name).resolvePath(flags.to, resolve("."));
  const shown = await bringBack(context, { name, at, to, dryRun: true });
  if (!flags.json) terminal.err(describe(shown, to === null));
  const overwrites = to === null && shown.written.length > 0;
  if (overwrites && !(await session.confirm("Write these files over the workspace?", "no"))) return;
  // By its commit: a newer save may have come in between.
  const done =
    shown.written.length === 0 && to === null
      ? shown
      : await bringBack(context, { name, at: shown.commit, to, dryRun: false });
  if (flags.json) {
    const { commit, written, kept } = done;
    return session.json({
      name,
      commit,
      saved_at: new Date(done.at).toISOString(),
      to: done.to,
      written,
      kept,
    });
  }
  terminal.out(
    done.written.length === 0
      ? `everything of that save is in ${done.to} as it was then\n`
      : `${count(done.written.length)} restored in ${done.to}\n`,
  );
};

function describe({ commit, at, to, written, kept }: Restored, isWorkspace: boolean): string {
  const lines = [
    `saved at ${formatTime(at)} (${commit.slice(0, 12)})`,
    ...listFiles(isWorkspace ? `missing or different in ${to}` : `for ${to}`, written),
    ...(kept > 0
      ? [
          `${count(kept)} of the workspace that it does not have ${kept === 1 ? "stays as it is" : "stay as they are"}`,
        ]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}
