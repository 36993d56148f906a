// `sesta up`: shows the plan, asks, brings it about.
import type { GatewayHello } from "../../model/gateway-protocol.ts";
import { findFronted, listFronted, listJobs, listServices, type Project } from "../../model/project.ts";
import { createAway } from "../../operations/away.ts";
import type { Context } from "../../operations/context.ts";
import { planUp } from "../../operations/plan.ts";
import { findServiceUrl } from "../../operations/services/url.ts";
import { up as bringUp } from "../../operations/up.ts";
import { wake } from "../../operations/wake.ts";
import { checkSecrets } from "../../project/secret.ts";
import { endLeftOut } from "../left-out.ts";
import { meetMachines } from "../meet-machines.ts";
import { printPlans, throwMissingSecrets } from "../print-plan.ts";
import { createReporter } from "../progress.ts";
import type { Verb } from "../session.ts";

type Flags = { wake?: boolean | undefined };

export const up: Verb<Flags, string[]> = async (session, flags, ...names) => {
  const { terminal, world } = session;
  const context = await session.open();
  throwMissingSecrets(context.project, await checkSecrets(context.project, world.env), terminal);
  const away = createAway("up", names);
  const isMeant = ({ name }: { name: string }) => names.length === 0 || names.includes(name);
  const { project } = context;
  const workloads = [...listFronted(project), ...listServices(project), ...listJobs(project)];
  await meetMachines(session, context, workloads.filter(isMeant), away);
  const plan = await planUp(context, names, away);
  if (!flags.json) printPlans(plan, terminal);
  const changes = [...plan.plans, ...plan.jobs, ...plan.services].filter(({ action }) => action !== "none");
  if (changes.length > 0 && !(await session.confirm("Do this?"))) return;

  const reporter = createReporter(terminal, world.clock);
  let gateway: GatewayHello | undefined;
  try {
    const result = await bringUp(context, plan, reporter.step, (hello) => (gateway = hello));
    gateway = undefined; // told at the end
    for (const { name, replaced } of result.changedPasswords) {
      if (replaced) terminal.err(`password ${name} has changed; the sessions that it opened have ended\n`);
    }
    for (const warning of result.warnings)
      terminal.err(`${terminal.paint("yellow", "warning")}: ${warning}\n`);
    if (flags.wake) {
      for (const one of plan.plans) {
        const show = (phase: string | null) => reporter.show(`${one.name}: ${phase ?? "…"}`);
        await away.attempt([one], () => wake(context, one.name, ({ phase }) => show(phase)));
      }
    }
    reporter.end();
    if (flags.json) session.json({ ...result, leftOut: away.list() });
    else {
      const ready = plan.jobs.filter(({ name }) => !away.has(name));
      terminal.out(
        `\n${result.gateway ? describe(context.project, result.gateway) : ""}${describeJobs(ready)}${describeServices(context, plan.services)}`,
      );
    }
    endLeftOut(session, away.list());
  } finally {
    reporter.end();
    // It is up, though its files are not saved.
    if (gateway && !flags.json) terminal.out(`\n${describe(context.project, gateway)}\n`);
  }
};

/** Those that a pipeline has yet to ship are in the plan's warnings. */
function describeServices(context: Context, services: readonly { name: string; target: string }[]): string {
  const up = services.filter(({ name }) => context.state.findWorkload(name)?.placedAt);
  return up
    .map(({ name, target }) => `${name}  ${findServiceUrl(context, name) ?? `reached on ${target} only`}\n`)
    .join("");
}

function describeJobs(jobs: readonly { name: string }[]): string {
  return jobs.map(({ name }) => `${name}  is ready: sesta run ${name}\n`).join("");
}

function describe(
  { workloads, secrets }: Project,
  { url, doors }: { url: string; doors: Readonly<Record<string, string>> },
): string {
  const lines = Object.keys(doors).flatMap((name) => {
    const workload = findFronted({ workloads }, name);
    if (!workload) return []; // an orphan; the plan has just said what takes it away
    return [
      `${name}  ${doors[name]}`,
      `  ${workload.type === "tracker" ? loggingLine(workload.password, secrets, doors[name] ?? "") : wakeLine(workload.password, secrets, `${url}/v1/${name}/start`)}`,
      `  or open it as its owner: sesta open ${name}`,
    ];
  });
  return [...lines, `all of it  ${url}`, ""].join("\n");
}

function loggingLine(password: string | undefined, secrets: Project["secrets"], url: string): string {
  const ref = password === undefined ? undefined : secrets[password];
  if (!ref) return "without a password only its owner and this project's jobs enter";
  const token = "env" in ref ? `$${ref.env}` : "…";
  return `log to it: MLFLOW_TRACKING_URI=${url} MLFLOW_TRACKING_TOKEN=${token}`;
}

function wakeLine(password: string | undefined, secrets: Project["secrets"], url: string): string {
  const ref = password === undefined ? undefined : secrets[password];
  if (!ref) return "without a password only its owner enters";
  const variable = "env" in ref ? ref.env : "PASSWORD";
  return `wake it: curl -H "Authorization: Bearer $${variable}" ${url}`;
}
