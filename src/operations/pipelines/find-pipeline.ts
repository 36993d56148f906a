// Finds a pipeline of the project by its name, or the only one.
import { closest } from "fastest-levenshtein";
import { SestaError } from "../../base/errors.ts";
import type { PipelineSection } from "../../model/pipeline.ts";
import type { Project } from "../../model/project.ts";

/** @throws SestaError UNKNOWN_PIPELINE, USAGE where there are several and none is named */
export function getPipeline({ pipelines }: Pick<Project, "pipelines">, name?: string): PipelineSection {
  const all = Object.values(pipelines);
  const [only] = all;
  const names = all.map((pipeline) => pipeline.name);
  if (!only)
    throw new SestaError("UNKNOWN_PIPELINE", "This project has no pipelines", {
      hint: "Add one under `pipelines:` in sesta.yaml.",
    });
  if (name === undefined && all.length === 1) return only;
  if (name === undefined)
    throw new SestaError("USAGE", "Which pipeline?", { hint: `There are ${names.join(", ")}.` });
  const found = all.find((pipeline) => pipeline.name === name);
  if (found) return found;
  throw new SestaError("UNKNOWN_PIPELINE", `No pipeline is called "${name}"`, {
    hint: `Did you mean "${closest(name, names)}"?`,
  });
}
