// A stage that builds, pushes, deploys or takes away a service. The gate is here: what was measured is what is deployed.
import { join } from "node:path";
import { formatDuration } from "../model/duration.ts";
import type { Artefact, Figure, StageSection, StageWork } from "../model/pipeline.ts";
import type { Done } from "./command-stage.ts";
import type { PipelineParts, StageOutput } from "./ports.ts";
import { createStageLog } from "./stage-log.ts";

export type Before = {
  /** Of all stages that it needs. */
  figures: readonly Figure[];
  /** Of the service, out of a stage that it needs. */
  artefact: Artefact | undefined;
  /** Why the figures do not speak of the tree. */
  unmeasured: string | null;
};

/** @param tree laid out, with what the needed stages put out; empty text for what needs none */
export async function runShipStage(
  parts: PipelineParts,
  stage: StageSection,
  work: Exclude<StageWork, { kind: "run" }>,
  tree: string,
  before: Before,
): Promise<Done> {
  const { folders, watch, ship } = parts;
  const log = createStageLog(
    join(folders.logs, `${stage.name}.log`),
    (text) => watch.line(stage.name, text),
    () => undefined,
  );
  const limit = stage.timeoutMs === null ? [] : [AbortSignal.timeout(stage.timeoutMs)];
  const signal = AbortSignal.any([parts.signal, ...limit]);
  try {
    if (work.kind === "build") return await build(parts, stage, tree, log, signal);
    if (work.kind === "deploy") return await deploy(parts, work.service, tree, before, log, signal);
    await ship.destroy(work.service, log, signal);
    return { result: { log: log.path }, why: null };
  } catch (error) {
    if (parts.signal.aborted || !signal.aborted) throw error;
    return { result: { log: log.path }, why: `it took longer than ${formatDuration(stage.timeoutMs ?? 0)}` };
  } finally {
    await log.close();
  }
}

async function build(
  parts: PipelineParts,
  stage: StageSection,
  tree: string,
  log: StageOutput & { path: string },
  signal: AbortSignal,
): Promise<Done> {
  const { ship, tree: committed, by, runId } = parts;
  if (stage.work.kind !== "build") throw new Error("not a build");
  const { service, push } = stage.work;
  const targets = push.length === 0 ? [] : await parts.pushTargets(stage); // a secret that is missing is found early
  const built: Artefact = { ...(await ship.build(service, tree, log, signal)), service, pushed: [] };
  if (targets.length === 0) return { result: { artefact: built, log: log.path }, why: null };
  const facts = { commit: committed.commit, by, runId };
  const pushed = await ship.push(built, targets, facts, log, signal);
  for (const { reference, digest } of pushed) log.line(`pushed ${reference}@${digest}`);
  return { result: { artefact: { ...built, pushed }, log: log.path }, why: null };
}

async function deploy(
  parts: PipelineParts,
  service: string,
  tree: string,
  { figures, artefact, unmeasured }: Before,
  log: StageOutput & { path: string },
  signal: AbortSignal,
): Promise<Done> {
  const { ship, tree: committed, by, runId } = parts;
  if (unmeasured !== null) return { result: { log: log.path }, why: unmeasured };
  const digest = await parts.digestTree(tree, service);
  parts.validated(service, digest, figures);
  const missed = figures.find(({ passed }) => !passed);
  if (missed) return { result: { log: log.path }, why: `${missed.name} of ${missed.stage} did not pass` };
  const facts = { commit: committed.commit, by, runId, digest, figures };
  const release = await ship.deploy(service, tree, artefact, facts, log, signal);
  return { result: { release, artefact: artefact ?? null, log: log.path }, why: null };
}
