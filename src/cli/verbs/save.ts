// `sesta save`: saves now and waits for the repository's word; with --onto it brings saves that went aside back.
import { SestaError } from "../../base/errors.ts";
import type { Comparison } from "../../model/agent-protocol.ts";
import { isBranchName } from "../../model/branch-name.ts";
import type { SaveReport } from "../../model/save.ts";
import type { Context } from "../../operations/context.ts";
import { compareWith, saveOnto } from "../../operations/onto.ts";
import { buildSaveStatus, isoOf } from "../../operations/save-words.ts";
import { requireConfirmed, saveNow, type Saved } from "../../operations/save.ts";
import { createReporter } from "../progress.ts";
import { count, listFiles, printable } from "../save-text.ts";
import type { Session, Verb } from "../session.ts";

type Flags = { onto?: string | undefined };

export const save: Verb<Flags, [string]> = async (session, { onto }, name) => {
  if (onto !== undefined && !isBranchName(onto))
    throw new SestaError("USAGE", `--onto expects the name of a branch, got "${onto}"`);
  const context = await session.open();
  if (onto === undefined) return tell(session, name, await saveAll(session, context, name));
  const comparison = await compareWith(context, name, onto);
  if (!session.flags.json) session.terminal.err(describe(comparison, name, onto));
  if (!(await session.confirm(`Bring the saves of ${name} onto ${onto}?`))) return;
  tell(session, name, await saveOnto(context, name, onto, comparison.tip));
};

async function saveAll(session: Session, context: Context, name: string): Promise<SaveReport> {
  const first = await shown(session, context, name, false);
  const { held } = first.report;
  if (!held) return confirmed(name, first);
  const { terminal, flags } = session;
  const gone = `${count(held.gone)} of ${held.of} gone at once (${held.why})`;
  if (!flags.yes && (!terminal.interactive || flags.json)) {
    throw new SestaError(
      "SAVE_REMOTE",
      `${gone}; they stay saved until you confirm, everything else is saved`,
      {
        hint: `\`sesta save ${name} -y\` records them as deleted, \`sesta restore ${name}\` brings them back.`,
      },
    );
  }
  terminal.err(`${terminal.paint("yellow", "!")} ${gone}; they stay saved until you confirm\n`);
  if (!(await session.confirm("Record them as deleted?"))) return confirmed(name, first);
  return confirmed(name, await shown(session, context, name, true));
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
          `beside ${beside}, which somebody else moved; \`sesta save ${name} --onto ${beside}\` brings them together`,
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
