// `sesta down`: takes away what `up` made, and prints the receipt.
import { SestaError } from "../../base/errors.ts";
import { createAway } from "../../operations/away.ts";
import { down as takeDown, type DownResult } from "../../operations/down.ts";
import type { Context } from "../../operations/context.ts";
import { planForget } from "../../operations/forget.ts";
import { listExisting, planDown, type ProjectPlan } from "../../operations/plan.ts";
import { endLeftOut } from "../left-out.ts";
import { meetMachines } from "../meet-machines.ts";
import { printPlans } from "../print-plan.ts";
import { createReporter } from "../progress.ts";
import type { Session, Verb } from "../session.ts";
import type { Terminal } from "../terminal.ts";

type Flags = { forget?: boolean | undefined; discardData?: boolean | undefined };

export const down: Verb<Flags, string[]> = async (session, flags, ...names) => {
  const { terminal, world } = session;
  if (flags.forget && names.length === 0) {
    throw new SestaError("USAGE", "--forget needs the names of what is to be forgotten", {
      hint: "`sesta status` lists what there is.",
    });
  }
  const context = await session.open();
  const discards = flags.discardData === true;
  if (discards) requireNames(names);
  const plan = await (flags.forget ? planForget(context, names) : planAll(session, context, names, discards));
  const { away } = plan;
  if (!flags.json) printPlans({ ...plan, orphans: [] }, terminal);
  const changes = [...plan.plans, ...plan.jobs].filter(({ action }) => action !== "none");
  const question = flags.forget ? "Forget this? What is there stays there." : "Take this away?";
  if (changes.length > 0 && !(await session.confirm(question, "no"))) return;
  if (discards && !(await confirmNames(session, context, names))) return;

  const reporter = createReporter(terminal, world.clock);
  try {
    const result = await takeDown(context, plan, { all: names.length === 0, discards }, reporter.step);
    reporter.end();
    if (flags.json) session.json({ ...result, leftOut: away.list() });
    else print(terminal, result);
    endLeftOut(session, away.list());
  } finally {
    reporter.end();
  }
};

/** Without a terminal the name on the command line is what was typed. */
function requireNames(names: readonly string[]): void {
  if (names.length > 0) return;
  throw new SestaError("USAGE", "--discard-data needs the names of what is to be lost", {
    hint: "`sesta down NAME --discard-data`",
  });
}

async function confirmNames(
  session: Session,
  { state }: Context,
  names: readonly string[],
): Promise<boolean> {
  if (session.flags.yes) return true;
  for (const name of names.filter((one) => state.findWorkload(one)?.launch.backup)) {
    const typed = await session.ask(`What ${name} holds is lost for good. Type its name to go on:`);
    if (typed === name) continue;
    session.terminal.err("That is not its name. Nothing was changed.\n");
    return false;
  }
  return true;
}

async function planAll(
  session: Session,
  context: Context,
  names: readonly string[],
  discards: boolean,
): Promise<ProjectPlan> {
  const away = createAway("down", names);
  await meetMachines(session, context, listExisting(context, names).labs, away);
  return planDown(context, names, away, discards);
}

function print(
  terminal: Terminal,
  { receipts, unsaved, backups, gatewayStopped, gatewayGoesOn }: DownResult,
): void {
  for (const { name, removed, remains } of receipts) {
    terminal.out(`${terminal.paint("bold", name)}\n`);
    for (const gone of removed) terminal.out(`  gone     ${gone}\n`);
    for (const kept of remains) terminal.out(`  remains  ${kept}\n`);
    for (const { file } of backups.filter((one) => one.name === name)) terminal.out(`  backup   ${file}\n`);
    for (const { why } of unsaved.filter((one) => one.name === name))
      terminal.out(`  ${terminal.paint("yellow", "!")} not everything was at its repository: ${why}\n`);
  }
  if (gatewayStopped) terminal.out("the gateway has ended\n");
  if (gatewayGoesOn) terminal.out("the gateway goes on for what is still up\n");
}
