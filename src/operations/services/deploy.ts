// Deploys a service: sends its files, begins a release, and waits until it is live or has failed.
import { createHash, randomUUID } from "node:crypto";
import { SestaError } from "../../base/errors.ts";
import { findSecret } from "../../model/project.ts";
import type { Launch, ServiceContainer } from "../../model/launch.ts";
import type { Progress } from "../../model/plan.ts";
import type { Figure, Release } from "../../model/release.ts";
import { resolveSecret } from "../../project/secret.ts";
import { launchDigest } from "../../targets/agent-host/layout.ts";
import type { Context } from "../context.ts";
import { quietGit } from "../jobs/list-files.ts";
import { openHosts } from "../machines.ts";
import { secretContext } from "../passwords.ts";
import { runStep } from "../../targets/step.ts";
import { buildModelServer } from "../../workloads/service/model-command.ts";
import { awaitCertificate } from "./await-certificate.ts";
import { makeServiceImage } from "./image.ts";
import { readCertificate } from "./certificate.ts";
import { modelFile } from "./model.ts";
import type { DeployPlan } from "./plan.ts";
import { chooseServicePort } from "./port.ts";
import { sendTree } from "./send-tree.ts";

export type DeployFacts = { figures: readonly Figure[]; commit?: string | null };

const askEveryMs = 20;

/** @throws SestaError DEPLOY_FAILED with the last lines that it printed: what was live before still is */
export async function deploy(
  context: Context,
  plan: DeployPlan,
  facts: DeployFacts,
  on: Progress,
): Promise<Release> {
  const { targets, state } = context;
  const { name, target, section, sources, digest } = plan;
  targets.remember(target);
  const port = await chooseServicePort(context, section);
  const [host] = await openHosts(context, target, 1);
  if (!host) throw new Error(`${target} has no machine`);
  if (plan.model) {
    const { readyModel } = await import("./ready-model.ts"); // loads the converter, which is long
    await readyModel(context, plan.model, name, on);
  }
  const { image } = plan;
  const needsTree = section.source.kind !== "image" && image === undefined;
  const tree = needsTree ? await sendTree(context, host, plan, on) : null;
  const container = await makeServiceImage(context, section, host, sources, { tree, id: image }, on);
  const tokenDigest = await findTokenDigest(context, section.password);
  const certificate = await readCertificate(context, section);
  const own = withContainer(withPort(plan.launch, port, tokenDigest), container);
  const launch = await withAcmeClient(context, plan, await withModelServer(context, plan, own, on), on);
  const release = {
    key: randomUUID(),
    digest: container?.image ?? digest,
    commit: facts.commit === undefined ? sources.commit : facts.commit,
    dirty: sources.dirty,
    by: await findAuthor(context),
    figures: facts.figures,
    tree: container ? null : tree, // its files are in the image
    env: await resolveEnv(context, plan),
    certificate,
  };
  const draft = launchDigest(withPort(plan.launch, port, null));
  const order = { release, digest: draft, why: "A release is deployed." };
  const begun = await targets.get(target).release(launch, order, on);
  const ended = await untilDecided(context, name, begun, on);
  if (ended.state === "live") {
    const placed = state.findWorkload(name);
    if (placed) state.saveWorkload({ ...placed, digest: draft });
    await awaitCertificate(context, name, on);
    return ended;
  }
  const before = plan.live ? `; release ${plan.live.number} stays` : "";
  throw new SestaError(
    "DEPLOY_FAILED",
    `Release ${ended.number} of ${name} did not become healthy${before}: ${ended.why}`,
    {
      problems: ended.logTail,
      hint:
        ended.logTail.length > 0
          ? `\`sesta logs ${name}\` shows all that it printed.`
          : "Mend that, then run the same command again.",
    },
  );
}

/**
 * Polls: the agent may end meanwhile, and the next one goes on with the release.
 * @throws SestaError INTERRUPTED: the release goes on by itself
 */
export async function untilDecided(
  { targets, world: { clock, signal } }: Context,
  name: string,
  { number }: Release,
  on: Progress,
): Promise<Release> {
  const { agent } = targets.of(name);
  const step = { workload: name, step: `release ${number}` };
  let shown = "";
  for (;;) {
    if (signal.aborted) throw goesOn(name, number);
    const all = await agent.call("releases", { name }).catch(async (error: unknown) => {
      if (!(error instanceof SestaError) || error.code !== "AGENT_UNREACHABLE") throw error;
      await agent.ensure();
      return agent.call("releases", { name });
    });
    const found = all.find((one) => one.number === number);
    if (!found) throw new SestaError("DEPLOY_FAILED", `Release ${number} of ${name} is gone`);
    if (found.state !== "starting") {
      on({ ...step, state: found.state === "failed" ? "failed" : "done", detail: found.why });
      return found;
    }
    if (found.phase !== null && found.phase !== shown) on({ ...step, state: "running", detail: found.phase });
    shown = found.phase ?? shown;
    await clock.sleep(askEveryMs);
  }
}

function goesOn(name: string, number: number): SestaError {
  return new SestaError("INTERRUPTED", `Release ${number} of ${name} goes on without this command`, {
    hint: `\`sesta releases ${name}\` says what becomes of it.`,
  });
}

async function withModelServer(
  { targets }: Context,
  { model, target, name }: DeployPlan,
  launch: Launch,
  on: Progress,
): Promise<Launch> {
  if (!model) return launch;
  const place = await runStep(on, name, "model server", (detail) => targets.get(target).modelServer(detail));
  const argv = buildModelServer({ ...place, model: modelFile, name, host: "127.0.0.1" });
  return { ...launch, process: { ...launch.process, argv: argv.map((part) => [part]) } };
}

async function withAcmeClient(
  { targets }: Context,
  { target, name }: DeployPlan,
  launch: Launch,
  on: Progress,
): Promise<Launch> {
  const { service } = launch;
  const { domain } = service ?? {};
  if (!service || !domain?.acme) return launch;
  const program = await runStep(on, name, "ACME client", (detail) => targets.get(target).acmeClient(detail));
  return { ...launch, service: { ...service, domain: { ...domain, acme: { ...domain.acme, program } } } };
}

function withPort(launch: Launch, port: number, tokenDigest: string | null): Launch {
  const { service, door } = launch;
  if (!service) throw new Error(`${launch.name} is no service`);
  const listen = { ...service.listen, port };
  return { ...launch, door: { ...door, port }, service: { ...service, listen, tokenDigest } };
}

function withContainer(launch: Launch, container: ServiceContainer | null): Launch {
  const { service } = launch;
  return service ? { ...launch, service: { ...service, container } } : launch;
}

async function findTokenDigest(context: Context, password: string | undefined): Promise<string | null> {
  if (password === undefined) return null;
  return createHash("sha256")
    .update(await readSecret(context, password))
    .digest("hex");
}

async function resolveEnv(context: Context, { section }: DeployPlan): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const [key, value] of Object.entries(section.env))
    if ("secret" in value) env[key] = await readSecret(context, value.secret);
  return env;
}

async function readSecret(context: Context, name: string): Promise<string> {
  const ref = findSecret(context.project, name);
  if (!ref) throw new Error(`there is no secret ${name}`); // the project file was checked
  return resolveSecret(name, ref, secretContext(context));
}

/** As git names who commits here, else the user of the system. */
async function findAuthor({ machine, project }: Context): Promise<string> {
  const asked = await machine
    .run([...quietGit(project.folder), "config", "user.email"])
    .catch(() => undefined);
  const email = asked?.exitCode === 0 ? asked.stdout.trim() : "";
  return email !== "" ? email : (await machine.facts()).user;
}
