// `sesta down`: takes away what `up` made, and prints the receipt.
import { down as takeDown } from "../../operations/down.ts";
import { listPlacedTargetsOf, planDown } from "../../operations/plan.ts";
import { meetMachines } from "../meet-machines.ts";
import { printPlans } from "../print-plan.ts";
import { createReporter } from "../progress.ts";
import type { Verb } from "../session.ts";

export const down: Verb<object, string[]> = async (session, flags, ...names) => {
  const { terminal, world } = session;
  const context = await session.open();
  await meetMachines(session, context, listPlacedTargetsOf(context, names));
  const plan = await planDown(context, names);
  if (!flags.json) printPlans({ ...plan, orphans: [] }, terminal);
  const changes = [...plan.plans, ...plan.jobs].filter(({ action }) => action === "destroy");
  if (changes.length > 0 && !(await session.confirm("Take this away?", "no"))) return;

  const reporter = createReporter(terminal, world.clock);
  try {
    const result = await takeDown(context, plan, names.length === 0, reporter.step);
    reporter.end();
    if (flags.json) return session.json(result);
    for (const { name, removed, remains } of result.receipts) {
      terminal.out(`${terminal.paint("bold", name)}\n`);
      for (const gone of removed) terminal.out(`  gone     ${gone}\n`);
      for (const kept of remains) terminal.out(`  remains  ${kept}\n`);
      for (const { why } of result.unsaved.filter((one) => one.name === name))
        terminal.out(`  ${terminal.paint("yellow", "!")} not everything was at its repository: ${why}\n`);
    }
    if (result.gatewayStopped) terminal.out("the gateway has ended\n");
  } finally {
    reporter.end();
  }
};
