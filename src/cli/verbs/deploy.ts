// `sesta deploy SERVICE`: makes a release, and switches to it when it is well.
import { SestaError } from "../../base/errors.ts";
import { serviceLock } from "../../operations/pipelines/hold-services.ts";
import { deploy as makeRelease } from "../../operations/services/deploy.ts";
import { listFigures } from "../../operations/services/gate.ts";
import { planDeploy } from "../../operations/services/plan.ts";
import { getService } from "../../operations/services/releases.ts";
import { ensureGateway } from "../../operations/gateway.ts";
import { requirePlace } from "../../operations/plan.ts";
import { lockProject } from "../../operations/up.ts";
import { takeLock } from "../../state/lock.ts";
import { checkSecrets } from "../../project/secret.ts";
import { createAway } from "../../operations/away.ts";
import { meetMachines } from "../meet-machines.ts";
import { formatPlan, throwMissingSecrets } from "../print-plan.ts";
import { createReporter } from "../progress.ts";
import { buildReleaseJson } from "../release-json.ts";
import { formatReleased } from "../release-table.ts";
import { findServiceUrl } from "../../operations/services/url.ts";
import type { Verb } from "../session.ts";

type Flags = { again?: boolean | undefined; unvalidated?: boolean | undefined };

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
    if (flags.json)
      return session.json({ release: plan.live ? buildReleaseJson(plan.live) : null, unchanged: true });
    return terminal.out(
      `Release ${plan.live?.number} is this already; \`--again\` makes another one of it.\n`,
    );
  }
  if (plan.unvalidated !== undefined && !flags.unvalidated) {
    if (flags.yes || flags.json || !terminal.interactive) throw refuse(name, plan.unvalidated);
    terminal.err(`${terminal.paint("yellow", "!")} ${plan.unvalidated}\n`);
    if (!(await session.confirm("Deploy it all the same?", "no"))) return;
  } else if (!(await session.confirm("Deploy this?"))) return;
  const reporter = createReporter(terminal, world.clock);
  const lock = await lockProject(context, "deploy");
  const holder = { verb: `deploy ${name}`, pid: world.pid, since: world.clock.now() };
  const own = await takeLock(serviceLock(context.folder, name), holder).catch((error: unknown) => {
    lock.release();
    throw error;
  });
  try {
    const figures = listFigures(context.state.findValidation(name, plan.sources.contents ?? plan.digest));
    const release = await makeRelease(context, plan, { figures }, reporter.step);
    reporter.end();
    if (flags.json) session.json({ release: buildReleaseJson(release), unchanged: false });
    else terminal.out(formatReleased(context, name, release, findServiceUrl(context, name)));
    await ensureGateway(context);
  } finally {
    own.release();
    lock.release();
    reporter.end();
  }
};

function refuse(name: string, why: string): SestaError {
  return new SestaError("NOT_VALIDATED", `${name} is not deployed: ${why}`, {
    hint: `\`sesta deploy ${name} --unvalidated\` deploys it all the same.`,
  });
}
