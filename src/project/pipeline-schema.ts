// The `pipelines` and `registries` sections as zod schemas.
import { z } from "zod";
import * as fields from "./fields.ts";
import { globPatterns } from "./job-fields.ts";
import {
  bound,
  line,
  onePattern,
  partName,
  pushTargets,
  reportPatterns,
  stageEnv,
  stagePython,
  word,
} from "./pipeline-fields.ts";
import { workloadNamePattern } from "./names.ts";

/** The messages of issues that a mapping has none or several of keys that exclude each other. */
export const oneWork = "one-work";
export const oneSource = "one-source";

export const workKeys = ["run", "build", "deploy", "destroy"] as const;

export const metric = z
  .strictObject({
    name: line("a name like accuracy", /^[\p{L}\p{N}_][\p{L}\p{N}_ .@/-]{0,63}$/u, {
      description: "What the figure is called, also beside the release.",
      examples: ["accuracy"],
    }),
    pattern: onePattern({
      description:
        "A regular expression with one group: the figure, in a line of standard output. The last match counts.",
      examples: ["accuracy: ([0-9.]+)"],
    }).optional(),
    json: fields
      .innerPath("the path of a JSON file", {
        description: "A JSON file that the stage writes, instead of `pattern`.",
        examples: ["metrics.json"],
      })
      .optional(),
    key: line("a key like accuracy or test.accuracy", /^[^\s.][^.]*(?:\.[^.]+)*$/, {
      description: "Where in `json` the figure is; dots lead inward. Without it, `name`.",
      examples: ["test.accuracy"],
    }).optional(),
    min: bound({
      description: "The figure must be at least this; in quotes where more than 15 digits count.",
      examples: [0.9],
    }).optional(),
    max: bound({ description: "The figure must be at most this.", examples: [0.1] }).optional(),
  })
  .refine((value) => (value.pattern === undefined) !== (value.json === undefined), { error: oneSource })
  .meta({
    title: "Metric",
    description:
      "A figure that the stage gives, held against its bounds digit by digit. A figure that is missing, NaN or infinite fails the stage.",
  });

export const stage = z
  .strictObject({
    run: fields
      .script("a command like pytest", {
        description: "Given to `sh -c` in the stage's own copy of the committed tree.",
        examples: ["pytest src/tests"],
      })
      .optional(),
    build: partName("the name of a service", {
      description: "The service whose image, environment or model file is built.",
      examples: ["iris"],
    }).optional(),
    push: pushTargets({
      description:
        "Where the image that is built goes: names under `registries:`, or images like docker.io/acme/iris.",
      examples: [["docker.io/acme/iris", "ecr"]],
    }).optional(),
    deploy: partName("the name of a service", {
      description: "The service that becomes a new release.",
      examples: ["iris"],
    }).optional(),
    destroy: partName("the name of a service", {
      description: "The service that is taken away.",
      examples: ["iris"],
    }).optional(),
    needs: z
      .array(partName("the name of a stage", { description: "A stage of this pipeline." }))
      .max(100)
      .meta({
        description:
          "Stages that must have succeeded before. What they put out, and what those put out that they need, is laid into the tree.",
        examples: [["lint"]],
        shown: "list of stages",
        default: [],
      })
      .optional(),
    when: word(["manual"], {
      description: "`manual`: runs only when it is named, by `--only` or `--from`.",
      examples: ["manual"],
    }).optional(),
    requirements: fields
      .innerPath("the path of a requirements file", {
        description: "A requirements file in the committed tree: what its Python environment has.",
        examples: ["requirements.txt"],
      })
      .optional(),
    python: stagePython({
      description:
        "Its Python: a version, beside `requirements`; or, as for a job, a requirements file, a list of packages, or a mapping of packages, requirements and version.",
      examples: ["3.12", ["flake8"]],
    }).optional(),
    env: stageEnv({
      description: "Variables: text, `${env.NAME}` of whoever runs it, or `${secret.NAME}`.",
      examples: [{ PYTHONPATH: ".", HF_TOKEN: "${secret.hf_token}" }],
    }).optional(),
    outputs: globPatterns({
      description:
        "What it hands on: files, folders and patterns (`*` and `?` within a name) in its tree. One that is missing fails the stage.",
      examples: [["iris_model.pkl"]],
    }).optional(),
    metric: metric.optional(),
    junit: reportPatterns({
      description: "JUnit reports that it writes, for the summary.",
      examples: ["report.xml", ["reports/*.xml"]],
    }).optional(),
    timeout: fields
      .duration(
        { minimumMs: 1_000, never: false },
        { description: "A stage that takes longer is ended, and has failed.", examples: ["30m"] },
      )
      .optional(),
  })
  .refine((value) => workKeys.filter((key) => value[key] !== undefined).length === 1, { error: oneWork })
  .meta({
    title: "Stage",
    description: "One step of a pipeline: exactly one of `run`, `build`, `deploy` and `destroy`.",
  });

export const pipelines = z
  .record(
    z.string(),
    z.record(z.string(), stage).meta({ propertyNames: { pattern: workloadNamePattern.source } }),
  )
  .meta({
    propertyNames: { pattern: workloadNamePattern.source },
    title: "Pipelines",
    description: "Pipelines by name; each is its stages by name.",
  });

export const registry = z
  .strictObject({
    type: word(["ecr"], {
      description:
        "`ecr`: Amazon ECR, whose login comes from the AWS account. Without it, `host` says which.",
      examples: ["ecr"],
    }).optional(),
    host: line(
      "a host like docker.io or registry.lab:5000",
      /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/,
      {
        description: "Its host, with a port where it has one; `docker.io` is Docker Hub.",
        examples: ["docker.io", "registry.lab:5000"],
      },
    ).optional(),
    repository: line(
      "a repository like acme/iris",
      /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/,
      {
        description:
          "The repository there that `push` by the registry's name means; without it the service's name.",
        examples: ["acme/iris"],
      },
    ).optional(),
    username: line("a user's name", /^\S+$/, {
      description: "Who logs in; without it, the login that the container engine has.",
      examples: ["acme"],
    }).optional(),
    password: fields
      .secretReference({
        description: "The password or token of `username`.",
        examples: ["${secret.docker_hub}"],
      })
      .optional(),
    insecure: fields
      .flag({
        description:
          "Plain http, or a certificate that nobody vouches for, is good enough. Without it, only on loopback addresses. Docker must be told, too (`insecure-registries` in its daemon.json).",
        default: false,
      })
      .optional(),
    region: line("a region like us-east-1", /^[a-z]{2}(?:-[a-z]+)+-\d$/, {
      description: "Of ECR: the AWS region.",
      examples: ["us-east-1"],
    }).optional(),
    account: line("an account of 12 digits, in quotes", /^\d{12}$/, {
      description: "Of ECR: the AWS account; without it, that of the credentials.",
      examples: ["123456789012"],
    }).optional(),
    profile: line("a profile's name", /^[\w.@-]+$/, {
      description: "Of ECR: the profile of the AWS configuration; without it the environment's credentials.",
      examples: ["default"],
    }).optional(),
  })
  .meta({ title: "Registry", description: "Where images are pushed, and the login for it." });

export const registries = z.record(z.string(), registry).meta({
  propertyNames: { pattern: workloadNamePattern.source },
  title: "Registries",
  description: "Where images are pushed, by name.",
});
