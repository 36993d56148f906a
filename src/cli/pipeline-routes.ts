// The verbs that are about pipelines: how each is called, what it says of itself, and where its file is.
import { buildCommand, buildRouteMap } from "@stricli/core";
import {
  commonAliases as aliases,
  commonFlags as common,
  maybeOne,
  quietFlags as quiet,
  switchFlag,
  textFlag,
  helpOf,
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
    customUsage: ["[PIPELINE] [--only STAGE | --from STAGE] [--no-cache] [--keep-going]"],
    ...helpOf(
      "Run a pipeline's stages on what is committed",
      "Each stage has a clean copy of the committed tree. A stage whose inputs have not changed is not run again. Ctrl-C ends what runs; the same command goes on from there.",
      "pipeline run",
      "pipeline run iris --from test",
      "pipeline run iris --only destroy -y",
    ),
  },
});

const exported = buildCommand({
  loader: async () =>
    (await import("./session.ts")).runVerb((await import("./verbs/pipeline-export.ts")).exportPipeline),
  parameters: {
    flags: {
      ...quiet,
      storedKeys: switchFlag("Log in to AWS with keys that are kept as secrets, instead of OIDC"),
      check: switchFlag("Write nothing; end with 1 when the files are not as they would be written"),
      force: switchFlag("Write over files that somebody has edited"),
    },
    aliases,
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "As what: github", parse: String, placeholder: "github" },
        {
          brief: "The pipeline; not needed where there is one",
          parse: String,
          placeholder: "PIPELINE",
          optional: true,
        },
      ],
    },
  },
  docs: {
    ...helpOf(
      "Write a pipeline as workflows of GitHub Actions",
      "Each stage becomes a job that runs the same command as here. Lists the secrets and variables to set. A file that was edited is not written over.",
      "pipeline export github",
      "pipeline export github iris --stored-keys",
      "pipeline export github --check",
    ),
  },
});

export const pipelineRoutes = {
  pipeline: buildRouteMap({
    routes: { run, export: exported },
    docs: { brief: "Run a pipeline, or write it as a workflow" },
  }),
};
