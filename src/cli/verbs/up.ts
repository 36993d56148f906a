// `sesta up`: shows the plan, asks, brings it about.
import { planUp } from "../../operations/plan.ts";
import { up as bringUp } from "../../operations/up.ts";
import { wake } from "../../operations/wake.ts";
import { checkSecrets } from "../../project/secret.ts";
import { printPlans, throwMissingSecrets } from "../print-plan.ts";
import { createReporter } from "../progress.ts";
import type { Verb } from "../session.ts";

type Flags = { wake?: boolean | undefined };

export const up: Verb<Flags, string[]> = async (session, flags, ...names) => {
  const { terminal, world } = session;
  const context = await session.open();
  throwMissingSecrets(await checkSecrets(context.project, world.env), terminal);
  const plan = await planUp(context, names);
  if (!flags.json) printPlans(plan, terminal);
  const changes = plan.plans.filter(({ action }) => action !== "none");
  if (changes.length > 0 && !(await session.confirm("Do this?"))) return;

  const reporter = createReporter(terminal, world.clock);
  try {
    const result = await bringUp(context, plan.plans, reporter.step);
    for (const { name, replaced } of result.changedPasswords) {
      if (replaced) terminal.err(`password ${name} has changed; the sessions that it opened have ended\n`);
    }
    if (flags.wake) {
      for (const { name } of plan.plans)
        await wake(context, name, ({ phase }) => reporter.show(`${name}: ${phase ?? "…"}`));
    }
    reporter.end();
    if (flags.json) return session.json(result);
    terminal.out(`\n${describe(context.project, result.gateway)}`);
  } finally {
    reporter.end();
  }
};

function describe(
  project: { workloads: Readonly<Record<string, { password?: string }>> },
  { url, doors }: { url: string; doors: Readonly<Record<string, string>> },
): string {
  const lines = Object.keys(doors).flatMap((name) => [
    `${name}  ${doors[name]}`,
    ...(project.workloads[name]?.password === undefined
      ? [`  open it with  sesta open ${name}`]
      : [`  wake it with  curl -H "Authorization: Bearer $PASSWORD" ${url}/v1/${name}/start`]),
  ]);
  return `${lines.join("\n")}\nall of it  ${url}\n`;
}
