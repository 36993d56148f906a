// Fills in the defaults: from what the file says to what the rest of Sesta trusts.
import type { KeepAwake, SaveRule } from "../model/launch.ts";
import type { GatewaySection, LabSection, Project, WorkloadSection } from "../model/project.ts";
import type { TargetSection } from "../model/target-section.ts";
import type { SecretRef } from "../model/secret.ts";
import { resolveJob } from "./resolve-job.ts";
import { resolveService } from "./resolve-service.ts";
import { resolveTracker } from "./resolve-tracker.ts";
import { resolvePipeline, resolveRegistry } from "./resolve-pipeline.ts";
import type { ProjectFile } from "./schema.ts";

type WorkloadFile = NonNullable<ProjectFile["workloads"]>[string];
type LabFile = Extract<WorkloadFile, { type: "lab" }>;
type TargetFile = NonNullable<ProjectFile["targets"]>[string];
type SaveFile = NonNullable<LabFile["save"]>;
type KeepAwakeFile = NonNullable<LabFile["keep_awake"]>;
type SecretFile = NonNullable<ProjectFile["secrets"]>[string];

export const defaultIdleMs = 40 * 60_000;
export const defaultHost = "127.0.0.1";
/** GitHub refuses a larger file (its documentation, "About large files on GitHub": 100 MiB). */
export const defaultMaxFileBytes = 100 * 1024 ** 2;
export const defaultEveryMs = 10_000;
export const defaultKeepAwakeForMs = 5 * 60_000;

/** @param folder absolute path */
export function resolveProject(file: ProjectFile, folder: string): Project {
  const target = file.target ?? "local";
  return {
    name: file.name,
    folder,
    gateway: resolveGateway(file.gateway ?? {}),
    secrets: mapValues(file.secrets ?? {}, resolveSecretRef),
    targets: { local: { type: "local" }, ...mapValues(file.targets ?? {}, resolveTarget) },
    workloads: mapValues(file.workloads ?? {}, (section, name) => resolveWorkload(section, name, target)),
    registries: mapValues(file.registries ?? {}, resolveRegistry),
    pipelines: mapValues(file.pipelines ?? {}, resolvePipeline),
  };
}

function resolveWorkload(section: WorkloadFile, name: string, target: string): WorkloadSection {
  switch (section.type) {
    case "job":
      return resolveJob(section, name, target);
    case "service":
      return resolveService(section, name, target);
    case "tracker":
      return resolveTracker(section, name, target);
    default:
      return resolveLab(section, name, target);
  }
}

function resolveGateway({
  host = defaultHost,
  port,
  insecure = false,
}: NonNullable<ProjectFile["gateway"]>): GatewaySection {
  return { host, insecure, ...(port === undefined ? {} : { port }) };
}

function resolveSecretRef({ env, file, command }: SecretFile): SecretRef {
  if (env !== undefined) return { env };
  return file !== undefined ? { file } : { command: command ?? "" }; // the schema asks for exactly one
}

function resolveTarget(target: TargetFile): TargetSection {
  const slots = target.slots === undefined ? {} : { slots: target.slots };
  if (target.type === "local") return { type: "local", ...slots };
  const { hosts, wake, sleep = "none" } = target;
  return { type: "ssh", hosts, sleep, ...slots, ...(wake === undefined ? {} : { wake }) };
}

function resolveLab(lab: LabFile, name: string, target: string): LabSection {
  return {
    type: "lab",
    name,
    target: lab.target ?? target,
    idleMs: lab.idle === undefined ? defaultIdleMs : lab.idle,
    maxAwakeMs: lab.max_awake ?? null,
    packages: lab.packages ?? [],
    workspace: lab.workspace ?? name,
    ...(lab.password === undefined ? {} : { password: lab.password }),
    ...(lab.requirements === undefined ? {} : { requirements: lab.requirements }),
    ...(lab.python === undefined ? {} : { python: lab.python }),
    ...(lab.port === undefined ? {} : { port: lab.port }),
    ...(lab.keep_awake === undefined ? {} : { keepAwake: resolveKeepAwake(lab.keep_awake) }),
    ...(lab.save === undefined ? {} : { save: resolveSave(lab.save) }),
  };
}

function resolveKeepAwake({ cpu, gpu, for: forMs, command }: KeepAwakeFile): KeepAwake {
  return {
    forMs: forMs ?? defaultKeepAwakeForMs,
    ...(cpu === undefined ? {} : { cpuPercent: cpu }),
    ...(gpu === undefined ? {} : { gpuPercent: gpu }),
    ...(command === undefined ? {} : { command }),
  };
}

function resolveSave(save: SaveFile): SaveRule {
  return {
    repo: save.repo,
    branch: save.branch ?? null,
    include: save.include ?? [],
    exclude: save.exclude ?? [],
    maxFileBytes: save.max_file ?? defaultMaxFileBytes,
    everyMs: save.every ?? defaultEveryMs,
    lfs: save.lfs ?? false,
    ...(save.token === undefined ? {} : { token: save.token }),
    ...(save.author === undefined ? {} : { author: save.author }),
  };
}

function mapValues<From, To>(
  from: Readonly<Record<string, From>>,
  map: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, map(value, key)]));
}
