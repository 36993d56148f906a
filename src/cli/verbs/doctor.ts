// `sesta doctor`: what is missing or wrong, each with the one command that mends it.
import { resolve } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { examine } from "../../operations/doctor.ts";
import type { Finding } from "../../operations/finding.ts";
import { createLocalMachine } from "../../machine/local.ts";
import type { Verb } from "../session.ts";

export const doctor: Verb<object, []> = async (session, flags) => {
  const { terminal, world } = session;
  const context = await session.open().catch((error: unknown) => ({ problem: error }));
  const machine = createLocalMachine(world.env);
  const findings = await examine(
    world,
    machine,
    resolve(flags.directory ?? "."),
    "problem" in context ? undefined : context,
  );
  if ("problem" in context) findings.unshift(projectFinding(context.problem));
  if (findings.some(({ level }) => level === "error")) session.exitCode = 1;
  if (flags.json) return session.json({ findings });
  const { paint } = terminal;
  const signs = { ok: paint("green", "✓"), warning: paint("yellow", "!"), error: paint("red", "✗") };
  for (const { level, what, mend } of findings) {
    terminal.out(`${signs[level]} ${what}\n${mend === undefined ? "" : `    ${paint("cyan", mend)}\n`}`);
  }
};

function projectFinding(problem: unknown): Finding {
  const details = problem as { hint?: string; problems?: readonly string[] };
  const what = [messageOf(problem), ...(details.problems ?? [])].join("\n    ");
  return { level: "error", what, ...(details.hint !== undefined && { mend: details.hint }) };
}
