// `sesta down`: takes away what `up` made, and prints the receipt.
import { createAway } from "../../operations/away.ts";
import { down as takeDown, type DownResult } from "../../operations/down.ts";
import { listExisting, planDown } from "../../operations/plan.ts";
import { endLeftOut } from "../left-out.ts";
import { meetMachines } from "../meet-machines.ts";
import { printPlans } from "../print-plan.ts";
import { createReporter } from "../progress.ts";
import type { Verb } from "../session.ts";
import type { Terminal } from "../terminal.ts";

export const down: Verb<object, string[]> = async (session, flags, ...names) => {
  const { terminal, world } = session;
  const context = await session.open();
  const away = createAway("down", names);
  await meetMachines(session, context, listExisting(context, names).labs, away);
  const plan = await planDown(context, names, away);
  if (!flags.json) printPlans({ ...plan, orphans: [] }, terminal);
  const changes = [...plan.plans, ...plan.jobs].filter(({ action }) => action === "destroy");
  if (changes.length > 0 && !(await session.confirm("Take this away?", "no"))) return;

  const reporter = createReporter(terminal, world.clock);
  try {
    const result = await takeDown(context, plan, names.length === 0, reporter.step);
    reporter.end();
    if (flags.json) session.json({ ...result, leftOut: away.list() });
    else print(terminal, result);
    endLeftOut(session, away.list());
  } finally {
    reporter.end();
  }
};

function print(terminal: Terminal, { receipts, unsaved, gatewayStopped, gatewayGoesOn }: DownResult): void {
  for (const { name, removed, remains } of receipts) {
    terminal.out(`${terminal.paint("bold", name)}\n`);
    for (const gone of removed) terminal.out(`  gone     ${gone}\n`);
    for (const kept of remains) terminal.out(`  remains  ${kept}\n`);
    for (const { why } of unsaved.filter((one) => one.name === name))
      terminal.out(`  ${terminal.paint("yellow", "!")} not everything was at its repository: ${why}\n`);
  }
  if (gatewayStopped) terminal.out("the gateway has ended\n");
  if (gatewayGoesOn) terminal.out("the gateway goes on for what is still up\n");
}
