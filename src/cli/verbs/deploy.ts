// `sesta deploy SERVICE`: makes a release, and switches to it when it is well.
import { deploy as makeRelease } from "../../operations/services/deploy.ts";
import { planDeploy } from "../../operations/services/plan.ts";
import { getService } from "../../operations/services/releases.ts";
import { ensureGateway } from "../../operations/gateway.ts";
import { requirePlace } from "../../operations/plan.ts";
import { lockProject } from "../../operations/up.ts";
import { checkSecrets } from "../../project/secret.ts";
import { createAway } from "../../operations/away.ts";
import { meetMachines } from "../meet-machines.ts";
import { formatPlan, throwMissingSecrets } from "../print-plan.ts";
import { createReporter } from "../progress.ts";
import { printReleased } from "../release-table.ts";
import type { Verb } from "../session.ts";

type Flags = { again?: boolean | undefined };

export const deploy: Verb<Flags, [string]> = async (session, flags, name) => {
  const { terminal, world } = session;
  const context = await session.open();
  const section = getService(context, name);
  throwMissingSecrets(context.project, await checkSecrets(context.project, world.env), terminal);
  await meetMachines(session, context, [section], createAway("up", [name]));
  requirePlace(context, name);
  const plan = await planDeploy(context, section, { ships: "files", again: flags.again });
  if (!flags.json) terminal.err(formatPlan(plan, terminal.paint));
  if (plan.action === "none") {
    if (flags.json) return session.json({ release: plan.live ?? null, unchanged: true });
    return terminal.out(
      `Release ${plan.live?.number} is this already; \`--again\` makes another one of it.\n`,
    );
  }
  if (!(await session.confirm("Deploy this?"))) return;
  const reporter = createReporter(terminal, world.clock);
  const lock = await lockProject(context, "deploy");
  try {
    const release = await makeRelease(context, plan, { figures: [] }, reporter.step);
    reporter.end();
    if (flags.json) session.json({ release, unchanged: false });
    else await printReleased(context, terminal, name, release);
    await ensureGateway(context);
  } finally {
    lock.release();
    reporter.end();
  }
};
