// Fills in the defaults of pipelines and registries.
import type {
  MetricSection,
  PipelineSection,
  RegistrySection,
  StageSection,
  StageWork,
} from "../model/pipeline.ts";
import type { JobPython } from "../model/project.ts";
import type { ProjectFile } from "./schema.ts";

type StageFile = NonNullable<ProjectFile["pipelines"]>[string][string];
type MetricFile = NonNullable<StageFile["metric"]>;
type RegistryFile = NonNullable<ProjectFile["registries"]>[string];

export function resolvePipeline(stages: Readonly<Record<string, StageFile>>, name: string): PipelineSection {
  return { name, stages: Object.entries(stages).map(([stage, section]) => resolveStage(section, stage)) };
}

function resolveStage(stage: StageFile, name: string): StageSection {
  const python = resolvePython(stage);
  return {
    name,
    work: resolveWork(stage),
    needs: stage.needs ?? [],
    manual: stage.when === "manual",
    env: stage.env ?? {},
    outputs: stage.outputs ?? [],
    junit: stage.junit ?? [],
    timeoutMs: stage.timeout ?? null,
    ...(python === undefined ? {} : { python }),
    ...(stage.metric === undefined ? {} : { metric: resolveMetric(stage.metric) }),
  };
}

/** The schema asks for exactly one. */
function resolveWork({ run, build, push, deploy, destroy }: StageFile): StageWork {
  if (build !== undefined) return { kind: "build", service: build, push: push ?? [] };
  if (deploy !== undefined) return { kind: "deploy", service: deploy };
  if (destroy !== undefined) return { kind: "destroy", service: destroy };
  return { kind: "run", script: run ?? "" };
}

function resolvePython({ python, requirements }: StageFile): JobPython | undefined {
  if (requirements === undefined) return python;
  return { packages: [], ...python, requirements };
}

function resolveMetric({ name, pattern, json, key, min, max }: MetricFile): MetricSection {
  return {
    name,
    from: json === undefined ? { pattern: pattern ?? "" } : { json, key: key ?? name },
    min: min ?? null,
    max: max ?? null,
  };
}

export function resolveRegistry(registry: RegistryFile, name: string): RegistrySection {
  const { type, host, region, account, profile, repository, username, password, insecure } = registry;
  const there = repository === undefined ? {} : { repository };
  if (type === "ecr")
    return {
      name,
      type: "ecr",
      region: region ?? "",
      ...there,
      ...(account === undefined ? {} : { account }),
      ...(profile === undefined ? {} : { profile }),
    };
  return {
    name,
    type: "login",
    host: host ?? "",
    ...there,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(insecure === true ? { insecure } : {}),
  };
}
