// The verbs that are about pipelines: how each is called, what it says of itself, and where its file is.
import { buildCommand, buildRouteMap } from "@stricli/core";
import {
  commonAliases as aliases,
  commonFlags as common,
  maybeOne,
  switchFlag,
  textFlag,
  withExamples,
} from "./flags.ts";

const run = buildCommand({
  loader: async () =>
    (await import("./session.ts")).runVerb((await import("./verbs/pipeline.ts")).runPipelineVerb),
  parameters: {
    flags: {
      ...common,
      only: textFlag("Run this stage alone; what it needs must have a result already", "STAGE"),
      from: textFlag("Run this stage anew, and all that need it", "STAGE"),
      noCache: switchFlag("Take no earlier results"),
      keepGoing: switchFlag("When a stage fails, go on with those that do not need it"),
    },
    aliases,
    positional: maybeOne("The pipeline; not needed where there is one", "PIPELINE"),
  },
  docs: {
    brief: "Run a pipeline's stages on what is committed",
    fullDescription: withExamples(
      "Each stage has a clean copy of the committed tree. A stage whose inputs have not changed is not run again. Ctrl-C ends what runs; the same command goes on from there.",
      "pipeline run",
      "pipeline run iris --from test",
      "pipeline run iris --only destroy -y",
    ),
  },
});

export const pipelineRoutes = {
  pipeline: buildRouteMap({
    routes: { run },
    docs: { brief: "Run a pipeline, or write it as a workflow" },
  }),
};
