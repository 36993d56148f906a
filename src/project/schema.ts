// The project file as a zod schema: the one source of its checks, its types, the editors' JSON Schema and the reference.
import { z } from "zod";
import { secretNamePattern } from "../model/secret.ts";
import * as fields from "./fields.ts";
import { job } from "./job-schema.ts";
import { service } from "./service-schema.ts";
import { backup, tracker } from "./tracker-schema.ts";
import { container } from "./job-fields.ts";
import { metric, pipelines, registries, registry, stage } from "./pipeline-schema.ts";
import { keepAwake, save } from "./save-schema.ts";
import { localTarget, sshTarget } from "./target-schema.ts";
import { projectNamePattern, reservedNames, workloadNamePattern } from "./names.ts";
import { sectionOf } from "./later.ts";
import type { Path } from "./located.ts";

/** The message of the issue that a secret has none or several of its keys. */
export const oneReference = "one-reference";

const gateway = z
  .strictObject({
    host: fields
      .address({
        description: "Where the gateway listens. An address beyond this machine needs `insecure: true`.",
        default: "127.0.0.1",
        examples: ["127.0.0.1", "::1"],
      })
      .optional(),
    port: fields
      .port({
        description:
          "Port of the dashboard, the API and the wake endpoint; without it 8470, else the next free one, kept.",
        examples: [8470],
      })
      .optional(),
    insecure: fields
      .flag({
        description:
          "Accept that passwords and pages cross the network in clear when `host` is not this machine.",
        default: false,
      })
      .optional(),
  })
  .meta({ title: "Gateway", description: "The HTTP server in front of the project's workloads." });

const secret = z
  .strictObject({
    env: fields
      .envName({ description: "The environment variable that holds the value.", examples: ["TEAM_PASS"] })
      .optional(),
    file: fields
      .envPath({
        description:
          "The file that holds the value; one line end at its end is dropped. Relative to the project's folder, or beginning with `~/`; `${env.NAME}` is filled in.",
        examples: ["~/.config/team-pass", "${env.CREDENTIALS}/team-pass"],
      })
      .optional(),
    command: fields
      .script("a command like pass show team", {
        description:
          "A command that prints the value, given to `sh -c` in the project's folder; runs only when the value is needed.",
        examples: ["pass show team"],
      })
      .optional(),
  })
  .refine((value) => Object.keys(value).length === 1, { error: oneReference })
  .meta({
    title: "Secret",
    description:
      "Where a value comes from: exactly one of `env`, `file`, `command`. The value itself never stands in the file.",
    examples: [{ env: "TEAM_PASS" }, { file: "~/.config/team-pass" }, { command: "pass show team" }],
    minProperties: 1,
    maxProperties: 1,
  });

const lab = z
  .strictObject({
    type: z.literal("lab").meta({ description: "Jupyter Lab, woken on demand and put to sleep when idle." }),
    target: fields
      .targetName({ description: "Where it runs; without it the project's `target`.", examples: ["local"] })
      .optional(),
    password: fields
      .secretReference({
        description: "Guards the lab. Without one, only `sesta open` lets in.",
        examples: ["${secret.team_pass}"],
      })
      .optional(),
    idle: fields
      .duration(
        { minimumMs: 1_000, never: true },
        {
          description: "Sleeps after this long without use.",
          default: "40m",
          examples: ["40m", "1h30m", "never"],
        },
      )
      .optional(),
    max_awake: fields
      .duration(
        { minimumMs: 1_000, never: false },
        {
          description: "Sleeps after this long awake, even in use; without it there is no cap.",
          examples: ["24h"],
        },
      )
      .optional(),
    packages: z
      .array(fields.requirement({ description: "A requirement specifier (PEP 508)." }))
      .max(500)
      .meta({
        description: "Python packages beside Jupyter Lab, as requirement specifiers (PEP 508).",
        examples: [["pandas", "scikit-learn==1.5"]],
        shown: "list of packages",
        default: [],
      })
      .optional(),
    requirements: fields
      .innerPath("the path of a requirements file", {
        description: "A requirements file in the project's folder, beside or instead of `packages`.",
        examples: ["requirements.txt"],
      })
      .optional(),
    python: fields
      .pythonVersion({
        description:
          "Python version, in quotes; without it the machine's own, if that is one of 3.10 to 3.14.",
        examples: ["3.12"],
      })
      .optional(),
    keep_awake: keepAwake.optional(),
    save: save.optional(),
    port: fields
      .port({
        description: "Where people reach it; without it the next free port from 8471, kept.",
        examples: [8471],
      })
      .optional(),
    workspace: fields
      .innerPath("the path of a folder", {
        description:
          "The folder that it opens, in the project's folder; without it the folder with the workload's name.",
        examples: ["notebooks"],
      })
      .optional(),
  })
  .meta({ title: "Lab", description: "Jupyter Lab for a team." });

// Names that people choose are judged in check-names.ts: zod would skip what stands under a bad one.
const sections = {
  name: fields.projectName({
    title: "Name",
    description:
      "The project's name: 3 to 40 lowercase letters, digits and hyphens, beginning with a letter.",
    pattern: projectNamePattern.source,
    examples: ["vision-team"],
  }),
  target: fields
    .targetName({
      description: "The target of workloads that name none.",
      default: "local",
      examples: ["local"],
    })
    .optional(),
  gateway: gateway.optional(),
  secrets: z
    .record(z.string(), secret)
    .meta({
      propertyNames: { pattern: secretNamePattern.source },
      title: "Secrets",
      description: "Secrets by reference, used as `${secret.NAME}`.",
    })
    .optional(),
  targets: z
    .record(z.string(), z.discriminatedUnion("type", [localTarget, sshTarget]))
    .meta({
      propertyNames: { pattern: workloadNamePattern.source },
      title: "Targets",
      description: "Where workloads run. `local` always exists and needs no entry.",
    })
    .optional(),
  workloads: z
    .record(z.string(), z.discriminatedUnion("type", [lab, job, service, tracker]))
    .meta({
      propertyNames: {
        pattern: `^(?!(?:${reservedNames.join("|")})$)${workloadNamePattern.source.slice(1)}`,
      },
      title: "Workloads",
      description: "What the team works with, by name.",
    })
    .optional(),
  registries: registries.optional(),
  pipelines: pipelines.optional(),
};

export const projectSchema = z.strictObject(sections).meta({
  title: "Sesta project file",
  description: "What a team works with: `sesta.yaml`.",
});

export type ProjectFile = z.output<typeof projectSchema>;

/** The sections that may be left empty (`gateway:` and nothing after it). */
export const emptySections: readonly string[] = [
  "gateway",
  "secrets",
  "targets",
  "workloads",
  "registries",
  "pipelines",
];

/**
 * The keys that are read at a path; empty where people choose them.
 * @param type what the section says of itself, where there are several kinds
 */
export function keysAt(path: Path, type?: unknown): readonly string[] {
  switch (sectionOf(path)) {
    case "project":
      return Object.keys(sections);
    case "gateway":
      return Object.keys(gateway.shape);
    case "secret":
      return Object.keys(secret.shape);
    case "target":
      return Object.keys((type === "ssh" ? sshTarget : localTarget).shape);
    case "workload":
      return Object.keys(workloadOf(type).shape);
    case "container":
      return Object.keys(container.shape);
    case "save":
      return Object.keys(save.shape);
    case "backup":
      return Object.keys(backup.shape);
    case "keep_awake":
      return Object.keys(keepAwake.shape);
    case "stage":
      return Object.keys(stage.shape);
    case "metric":
      return Object.keys(metric.shape);
    case "registry":
      return Object.keys(registry.shape);
    default:
      return [];
  }
}

function workloadOf(type: unknown) {
  if (type === "job") return job;
  if (type === "service") return service;
  return type === "tracker" ? tracker : lab;
}
