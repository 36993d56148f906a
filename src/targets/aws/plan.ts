// What bringing a workload up on AWS, or taking it away, would do. The machine is not asked: it may be asleep.
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Launch } from "../../model/launch.ts";
import type { Plan } from "../../model/plan.ts";
import type { PlacedWorkload } from "../../state/project-state.ts";
import { launchDigest } from "../agent-host/layout.ts";
import { buildRoot } from "../terraform/build-root.ts";
import type { ResourceChange } from "../terraform/read-plan.ts";
import type { RootPlan } from "../terraform/root.ts";
import { buildLabRoot } from "./lab-root.ts";
import { priceMachine, sayPrice } from "./price.ts";
import type { Aws } from "./target.ts";

/** With what Terraform would do, which is applied as it is. */
export type StackPlan = Plan & { root: RootPlan | undefined };

export async function planStack(aws: Aws, name: string, wanted: Launch | undefined): Promise<StackPlan> {
  const { context, root } = aws;
  const placed = context.state.findWorkload(name);
  if (!wanted && !placed) return none(aws, name);
  const found = await root.plan(await buildText(aws, wanted), () => undefined);
  const isConfigured =
    wanted !== undefined && placed?.placedAt != null && placed.digest === launchDigest(wanted);
  const changes = found.changes.map((change) => say(change, wanted && aws.choose(wanted).type));
  const steps = wanted
    ? [...found.found, ...changes, ...(isConfigured ? [] : [describeSetup(placed !== undefined)])]
    : [...found.found, `bring the files of ${name} to ${keptFolder(aws, placed?.launch)}`, ...changes];
  const price = wanted
    ? sayPrice(priceMachine(context.section.region, aws.choose(wanted)))
    : "nothing any more";
  return {
    name,
    target: context.name,
    action: wanted ? actionOf(placed !== undefined, steps) : "destroy",
    wanted,
    steps,
    keeps: wanted ? [] : [keptFolder(aws, placed?.launch), `the history of ${name}`],
    warnings: wanted ? [...warn(aws), ...warnOfReplacing(name, found.changes)] : [],
    price,
    basis: basisOf(wanted, placed, found.changes),
    root: found,
  };
}

/** Where people's files are when the machine is gone. */
export function keptFolder({ context }: Aws, launch: Launch | undefined): string {
  return join(context.folders.project, launch?.workspace ?? context.workload);
}

function none({ context }: Aws, name: string): StackPlan {
  const plan = { name, target: context.name, action: "none", wanted: undefined, price: "nothing" } as const;
  return {
    ...plan,
    steps: [],
    keeps: [],
    warnings: [],
    basis: basisOf(undefined, undefined, []),
    root: undefined,
  };
}

async function buildText(
  { context, record, choose }: Aws,
  wanted: Launch | undefined,
): Promise<string | undefined> {
  if (!wanted) return undefined;
  const { section, project, workload } = context;
  const stack = { project, workload, id: record.begin().id, region: section.region };
  return buildRoot(buildLabRoot(stack, section, choose(wanted), await context.wakeFunction()));
}

function describeSetup(exists: boolean): string {
  return exists
    ? "start the machine, take the changed settings over, and let it sleep"
    : "configure the machine over SSH (Node, the agent, its environment, the files), and let it sleep";
}

function say({ address, actions, changed, after }: ResourceChange, type: string | undefined): string {
  const what = address.startsWith("aws_instance.") && type !== undefined ? `${address} (${type})` : address;
  if (actions.includes("create")) return actions.includes("delete") ? `replace ${what}` : `make ${what}`;
  if (actions.includes("delete")) return `destroy ${address}`;
  const details = changed.filter((name) => name !== "tags_all").map((name) => show(name, after[name]));
  return `change ${address}: ${details.join(", ")}`;
}

function show(name: string, value: unknown): string {
  return typeof value === "object" ? name : `${name} becomes ${String(value)}`;
}

function actionOf(exists: boolean, steps: readonly string[]): Plan["action"] {
  if (!exists) return "create";
  return steps.length > 0 ? "change" : "none";
}

/** What is open to everybody was asked for, and is said all the same. */
function warn({ context }: Aws): string[] {
  const { allow } = context.section;
  return (["ssh", "lab", "wake"] as const)
    .filter((what) => allow[what].some((from) => from === "0.0.0.0/0" || from === "::/0"))
    .map((what) => `${what} is open to every address`);
}

function warnOfReplacing(name: string, changes: readonly ResourceChange[]): string[] {
  return replacesMachine(changes)
    ? [`the machine of ${name} is made anew: its files come home first, all else on its disk is lost`]
    : [];
}

/** Its disk goes with it. */
export function replacesMachine(changes: readonly ResourceChange[]): boolean {
  return changes.some(({ type, actions }) => type === "aws_instance" && actions.includes("delete"));
}

function basisOf(
  wanted: Launch | undefined,
  placed: PlacedWorkload | undefined,
  changes: readonly ResourceChange[],
): string {
  const shown = changes.map(({ address, actions, changed }) => [address, actions, changed]);
  const found = [wanted && launchDigest(wanted), placed?.digest, placed?.placedAt, shown];
  return createHash("sha256").update(JSON.stringify(found)).digest("hex");
}
