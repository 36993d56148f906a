// Which trees of a service the figures of a run speak of: recorded by digest, so that nothing else passes for them.
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../base/atomic-file.ts";
import type { OutputFile, PipelineSection, StageRecord } from "../model/pipeline.ts";
import { copyTree, indexFile, indexTree } from "./committed-tree.ts";
import { findUnmeasured } from "./gate.ts";
import { getStage, listNeeded } from "./graph.ts";
import { digestOutputs, layOutputs } from "./output-store.ts";
import type { PipelineParts } from "./ports.ts";

/**
 * For every deploy of the pipeline whose commands have all run, in this run or earlier: what was measured of the tree
 * that it would deploy. A figure that missed its bounds is recorded too.
 */
export async function recordValidations(
  parts: PipelineParts,
  pipeline: PipelineSection,
  records: readonly StageRecord[],
): Promise<void> {
  for (const stage of pipeline.stages) {
    if (stage.work.kind !== "deploy") continue;
    const commands = listNeeded(pipeline, stage).filter(
      (name) => getStage(pipeline, name).work.kind === "run",
    );
    const found = commands.map((name) => records.find((record) => record.name === name));
    const measured = found.filter((record) => record !== undefined && isMeasured(record));
    const figures = measured.flatMap((record) => record?.figure ?? []);
    if (measured.length < commands.length || figures.length === 0) continue;
    if ((await findUnmeasured(parts, pipeline, stage, records)) !== null) continue;
    const outputs = measured.flatMap((record) => record?.outputs ?? []);
    parts.validated(stage.work.service, await findTreeDigest(parts, stage.work.service, outputs), figures);
  }
}

/** It ended well, or well but for its figure. */
function isMeasured({ state, figure, exitCode }: StageRecord): boolean {
  return state === "succeeded" || (state === "failed" && exitCode === 0 && figure?.passed === false);
}

/** The tree itself is laid out only where its digest is not known yet. */
async function findTreeDigest(
  parts: PipelineParts,
  service: string,
  outputs: readonly OutputFile[],
): Promise<string> {
  const { machine, tree, folders, digestTree, describeService } = parts;
  const key = createHash("sha256")
    .update(`${tree.tree} ${digestOutputs(outputs)} ${describeService(service)}`)
    .digest("hex");
  const file = join(folders.results, `${key}.tree`);
  const known = await readFile(file, "utf8").catch(() => "");
  if (known.startsWith("sha256:")) return known.trim();
  const folder = join(folders.work, "trees", ".validated");
  try {
    await indexTree(machine, tree, indexFile(folders.work));
    await copyTree(machine, tree, indexFile(folders.work), folder);
    await layOutputs(folders.store, folder, outputs);
    const digest = await digestTree(folder, service);
    await writeAtomic(file, `${digest}\n`);
    return digest;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
