// Whether the figures on the way to a deploy speak of the files that it deploys.
import type { OutputFile, PipelineSection, StageRecord, StageSection } from "../model/pipeline.ts";
import { listCommitted } from "./committed-tree.ts";
import { getStage, listNeeded } from "./graph.ts";
import type { PipelineParts } from "./ports.ts";

/**
 * A file that a stage with a figure had before it, committed or handed on, and that is another one in the tree of the
 * deploy; null where there is none. What is in the deploy alone was not measured, but takes the place of nothing that was.
 * @param stage the deploy
 * @param records of all stages that it needs
 * @param builder the stage whose image is deployed: what counts is the tree that it had
 */
export async function findUnmeasured(
  { machine, tree }: Pick<PipelineParts, "machine" | "tree">,
  pipeline: PipelineSection,
  stage: StageSection,
  records: readonly StageRecord[],
  builder?: StageSection,
): Promise<string | null> {
  const needed = listNeeded(pipeline, stage);
  const deployed = overlay(records, builder ? listNeeded(pipeline, builder) : needed);
  const measuring = records.filter(({ name, figure }) => figure !== null && needed.includes(name));
  for (const { name } of measuring) {
    const seen = overlay(records, [...listNeeded(pipeline, getStage(pipeline, name)), name]);
    const strange = [...deployed].filter(([path, file]) => !isSame(seen.get(path), file));
    const replaced = strange.find(([path]) => seen.has(path));
    if (replaced) return `${replaced[0]} is not the one that ${name} measured`;
    // Only an image can lack what its deploy has: it has the committed one then, if there is one.
    const lacking = [...seen].filter(([path]) => !deployed.has(path));
    if (strange.length + lacking.length === 0) continue;
    const committed = await listCommitted(machine, tree);
    const hidden = [...strange, ...lacking].find(([path]) => committed.has(path));
    if (hidden) return `${hidden[0]} is not the one that ${name} measured`;
  }
  return null;
}

function overlay(records: readonly StageRecord[], names: readonly string[]): Map<string, OutputFile> {
  const outputs = names.flatMap((name) => records.find((record) => record.name === name)?.outputs ?? []);
  return new Map(outputs.map((output) => [output.path, output]));
}

function isSame(one: OutputFile | undefined, other: OutputFile): boolean {
  return one?.sha256 === other.sha256 && one.mode === other.mode;
}
