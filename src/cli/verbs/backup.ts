// `sesta backup`: backs a tracker up now, and waits until the backup was tried out.
import { findLeftOut } from "../../model/kept-data.ts";
import { formatSize } from "../../model/size.ts";
import { makeBackup } from "../../operations/backups/make.ts";
import { createReporter } from "../progress.ts";
import type { Verb } from "../session.ts";

export const backup: Verb<object, [string]> = async (session, flags, name) => {
  const { terminal, world } = session;
  const context = await session.open();
  const reporter = createReporter(terminal, world.clock);
  try {
    const why = "Asked for on the command line.";
    const { file, bytes, startedAt } = await makeBackup(context, name, { why }, reporter.step);
    reporter.end();
    const at = new Date(startedAt).toISOString();
    const rule = context.state.findWorkload(name)?.launch.backup;
    const leftOut = rule && findLeftOut(rule);
    if (flags.json) session.json({ name, file, bytes, at, left_out: leftOut ?? null });
    else if (file === null) terminal.out(`${name} has nothing to back up yet: it was never awake\n`);
    else terminal.out(`${file}  ${formatSize(bytes ?? 0)}\n`);
    if (!flags.json && file !== null && leftOut !== undefined)
      terminal.err(`it holds the database; ${leftOut} are not in it\n`);
  } finally {
    reporter.end();
  }
};
