// `sesta save`: saves now and waits for the repository's word; with --onto it brings saves that went aside back.
import { SestaError } from "../../base/errors.ts";
import type { Comparison } from "../../model/agent-protocol.ts";
import { isBranchName } from "../../model/branch-name.ts";
import type { SaveReport } from "../../model/save.ts";
import type { Context } from "../../operations/context.ts";
import { compareWith, saveOnto } from "../../operations/onto.ts";
import { restore } from "../../operations/restore.ts";
import { adviseHeld, buildSaveStatus, describeHeld, isoOf } from "../../operations/save-words.ts";
import { requireConfirmed, saveNow, type Saved } from "../../operations/save.ts";
import { createReporter } from "../progress.ts";
import { listFiles, printable } from "../save-text.ts";
import type { Session, Verb } from "../session.ts";

type Flags = { onto?: string | undefined };

export const save: Verb<Flags, [string]> = async (session, { onto }, name) => {
  if (onto !== undefined && !isBranchName(onto))
    throw new SestaError("USAGE", `--onto expects the name of a branch, got "${onto}"`);
  const context = await session.open();
  if (onto === undefined) return tell(session, name, await saveAll(session, context, name));
  const { comparison, done, beside } = await compareWith(context, name, onto);
  const { flags, terminal } = session;
  if (!flags.json) terminal.err(describe(comparison, name, onto));
  if (done) return tell(session, name, done);
  if (!(await session.confirm(`Bring the saves of ${name} onto ${onto}?`))) return;
  tell(session, name, await saveOnto(context, name, onto, comparison.tip));
  if (beside && !flags.json)
    terminal.out(`the branch ${beside.branch} stays in the repository; to delete it: ${beside.deletion}\n`);
};

/** @throws SestaError SAVE_HELD where files vanished and nobody says that they are deleted; all others are saved then */
async function saveAll(session: Session, context: Context, name: string): Promise<SaveReport> {
  const first = await shown(session, context, name, false);
  const report = confirmed(name, first);
  const { held } = report;
  if (!held) return report;
  const { terminal, flags } = session;
  const sign = terminal.paint("yellow", "!");
  if (flags.yes) {
    const after = confirmed(name, await shown(session, context, name, true));
    terminal.err(`${sign} ${held.gone} of ${held.of} files were gone at once: recorded as deleted\n`);
    return after;
  }
  const lost = await restore(context, { name, at: null, to: null, dryRun: true });
  const listed = listFiles("gone", lost.written);
  if (terminal.interactive && !flags.json) {
    terminal.err(`${sign} ${describeHeld(held)}\n${listed.join("\n")}\n`);
    if (await session.confirm("Record them as deleted?", "no"))
      return confirmed(name, await shown(session, context, name, true));
  }
  throw new SestaError("SAVE_HELD", `${describeHeld(held)}; everything else is saved`, {
    problems: terminal.interactive && !flags.json ? [] : listed.slice(1).map((line) => line.trim()),
    hint: `${adviseHeld(name)}.`,
  });
}

function confirmed(name: string, saved: Saved): SaveReport {
  requireConfirmed(name, saved);
  return saved.report;
}

async function shown(
  { terminal, world }: Session,
  context: Context,
  name: string,
  acceptDeletions: boolean,
): Promise<Saved> {
  const reporter = createReporter(terminal, world.clock);
  try {
    reporter.show(`${name}: saving`);
    return await saveNow(context, name, acceptDeletions, ({ problem }) =>
      reporter.show(`${name}: ${problem?.message ?? "saving"}`),
    );
  } finally {
    reporter.end();
  }
}

function tell({ terminal, flags, json }: Session, name: string, report: SaveReport): void {
  if (flags.json) return json({ name, saved_at: isoOf(report.savedAt), save: buildSaveStatus(report) });
  const { branch, beside, setAside } = report;
  const lines = [
    report.savedAt === null
      ? `${name} has no files to save yet; the repository answers`
      : `${name} is saved${branch === null ? "" : ` on branch ${branch}`}: the repository has confirmed it`,
    ...(beside === null
      ? []
      : [
          `beside ${beside}, which holds something else; \`sesta save ${name} --onto ${beside}\` brings them together`,
        ]),
    ...setAside.map(
      ({ path, why }) => `${terminal.paint("yellow", "not saved")}: ${printable(path)}: ${why}`,
    ),
  ];
  terminal.out(`${lines.join("\n")}\n`);
}

function describe({ tip, ours, theirs, both }: Comparison, name: string, onto: string): string {
  const lines = [
    `${onto} is at ${tip.slice(0, 12)}`,
    ...listFiles(`changed here, and go to ${onto}`, ours),
    ...listFiles(`changed on ${onto}, and come to ${name}`, theirs),
    ...listFiles(
      `changed on both sides: yours stay, the others come beside them`,
      both.map(({ path, theirsAs }) => `${path}  (theirs: ${theirsAs})`),
    ),
    ...(ours.length + theirs.length + both.length === 0 ? ["nothing differs"] : []),
  ];
  return `${lines.join("\n")}\n`;
}
