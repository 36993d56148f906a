// `sesta restore` of a tracker: brings one of its backups back in place of what it holds.
import { resolve } from "node:path";
import { findLeftOut } from "../../model/kept-data.ts";
import { bringBack, findNewestBackup } from "../../operations/backups/bring-back.ts";
import type { Context } from "../../operations/context.ts";
import { createReporter } from "../progress.ts";
import type { Session } from "../session.ts";

/** @param from as it was typed; without it the newest that its folder holds */
export async function restoreBackup(
  session: Session,
  context: Context,
  name: string,
  from: string | undefined,
): Promise<void> {
  const { terminal, world, flags } = session;
  const file =
    from === undefined
      ? await findNewestBackup(context, name)
      : await context.targets.of(name).resolvePath(from, resolve("."));
  const rule = context.state.findWorkload(name)?.launch.backup;
  const leftOut = rule && findLeftOut(rule);
  const stays = leftOut === undefined ? "" : `; ${leftOut} stay as they are`;
  if (!flags.json) terminal.err(`${name} gets what is in ${file}${stays}\n`);
  if (!(await session.confirm(`Put it in the place of what ${name} holds? That is backed up first.`, "no")))
    return;
  const reporter = createReporter(terminal, world.clock);
  try {
    const before = await bringBack(context, name, file, reporter.step);
    reporter.end();
    if (flags.json) return session.json({ name, file, before });
    const undo = before === null ? "" : `what it held before: ${before}\n`;
    terminal.out(`${name} holds what is in ${file}; it is asleep\n${undo}`);
  } finally {
    reporter.end();
  }
}
