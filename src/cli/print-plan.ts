// Shows plans, so that every change is seen before it happens.
import { SestaError } from "../base/errors.ts";
import type { Action, Plan } from "../model/plan.ts";
import type { Project } from "../model/project.ts";
import type { ProjectPlan } from "../operations/plan.ts";
import type { SecretFinding } from "../project/secret.ts";
import { printLeftOut } from "./left-out.ts";
import type { Terminal } from "./terminal.ts";

const marks: Record<Action, { sign: string; style: "green" | "yellow" | "red" | "dim" }> = {
  create: { sign: "+", style: "green" },
  change: { sign: "~", style: "yellow" },
  destroy: { sign: "-", style: "red" },
  forget: { sign: "-", style: "red" },
  none: { sign: " ", style: "dim" },
};

export function printPlans(
  { plans, jobs, services, orphans, unmade, away }: ProjectPlan,
  terminal: Terminal,
): void {
  const { err, paint } = terminal;
  const all = [...plans, ...jobs, ...services];
  for (const plan of all) err(formatPlan(plan, paint));
  for (const sentence of unmade) err(`${paint("yellow", "!")} ${sentence}\n`);
  for (const name of orphans) {
    err(
      `${paint("yellow", "!")} ${name} exists but is not in sesta.yaml any more; \`sesta down ${name}\` takes it away\n`,
    );
  }
  const leftOut = away.list();
  printLeftOut(leftOut, terminal);
  if (leftOut.length === 0 && all.every(({ action }) => action === "none"))
    err(paint("dim", "Nothing to change.\n"));
}

export function formatPlan(
  { name, target, action, steps, keeps, warnings, price }: Omit<Plan, "wanted" | "basis">,
  paint: Terminal["paint"],
): string {
  const { sign, style } = marks[action];
  const head = `${paint(style, sign)} ${paint("bold", name)} on ${target}${action === "none" ? ": unchanged" : `: ${action} (${price})`}`;
  return [
    head,
    ...steps.map((step) => `    ${step}`),
    ...keeps.map((kept) => `    ${paint("dim", `keeps ${kept}`)}`),
    ...warnings.map((warning) => `  ${paint("yellow", "!")} ${warning}`),
    "",
  ].join("\n");
}

/** Warnings are printed; a reference that leads nowhere ends the verb. @throws SestaError SECRET_MISSING */
export function throwMissingSecrets(
  { secrets }: Project,
  findings: readonly SecretFinding[],
  terminal: Terminal,
): void {
  for (const { level, message } of findings) {
    if (level === "warning") terminal.err(`${terminal.paint("yellow", "warning")}: ${message}\n`);
  }
  const missing = findings.filter(({ level }) => level === "error");
  if (missing.length === 0) return;
  const variables = missing.flatMap(({ secret }) => {
    const ref = secrets[secret];
    return ref && "env" in ref ? [`${ref.env}=…`] : [];
  });
  const example = variables.length === 0 ? "" : `: \`export ${variables.join(" ")}\``;
  throw new SestaError(
    "SECRET_MISSING",
    missing.length === 1 ? "A secret is missing" : `${missing.length} secrets are missing`,
    {
      problems: missing.map(({ message }) => message),
      hint: `Set it${example}, or change its reference in sesta.yaml.`,
    },
  );
}
