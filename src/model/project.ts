// A project as the rest of Sesta sees it: checked, defaults filled in, secrets still references. Plain data.
import type { AcmeRule, HealthRule, KeepAwake, SaveRule } from "./launch.ts";
import type { JobProject } from "./mlproject.ts";
import type { PipelineSection, RegistrySection } from "./pipeline.ts";
import type { SecretRef } from "./secret.ts";
import type { TargetSection } from "./target-section.ts";
import type { TrackerSection } from "./tracker.ts";

export const projectFileName = "sesta.yaml";

export type Project = {
  name: string;
  /** Absolute path of the folder that holds sesta.yaml. */
  folder: string;
  gateway: GatewaySection;
  secrets: Readonly<Record<string, SecretRef>>;
  /** `local` is always among them. */
  targets: Readonly<Record<string, TargetSection>>;
  workloads: Readonly<Record<string, WorkloadSection>>;
  registries: Readonly<Record<string, RegistrySection>>;
  pipelines: Readonly<Record<string, PipelineSection>>;
};

export type GatewaySection = {
  /** An IP address, or `localhost`. */
  host: string;
  /** Asked for in the file; without it 8470, else the next free one. */
  port?: number;
  /** The user accepts an address that other machines reach without encryption. */
  insecure: boolean;
};

export type WorkloadSection = LabSection | JobSection | ServiceSection | TrackerSection;

/** What people come to through a door of the gateway. */
export type FrontedSection = LabSection | TrackerSection;

export type JobSection = {
  type: "job";
  name: string;
  /** A name in `targets`. */
  target: string;
  /** Without it the project's own folder. As it was written: a folder is relative to the project's. */
  repo?: string;
  /** Branch, tag or commit of `repo`. */
  ref?: string;
  /** The secret that holds the token for an https repository, by name. */
  token?: string;
  /** System packages, of apt or dnf. */
  packages: readonly string[];
  python?: JobPython;
  container?: JobContainer;
  data: readonly DataSource[];
  /** Given to `sh -c` once for each state of what it depends on. */
  setup?: string;
  /** Given to `sh -c` in the run's own copy of the sources. Absent where a `project` or only a playbook runs. */
  run?: string;
  project?: JobProject;
  env: Readonly<Record<string, EnvValue>>;
  /** The workload that its runs report to. */
  tracker?: string;
  /** The file, in the run's folder, that standard output goes to. */
  stdout?: string;
  /** Paths or patterns in the run's folder that come home. */
  fetch: readonly string[];
  /** The folder, relative to the project's, that they come into. */
  into: string;
  /** `null`: no limit. */
  timeoutMs: number | null;
  /** How often it is begun again after it failed or was lost. */
  retries: number;
  nodes: number;
  gpus: number | "all" | null;
  /** How long the nodes of a run wait for each other. */
  rendezvousMs: number;
  /** Files in the project's folder. */
  playbook?: string;
  inventory?: string;
};

export type ServiceSection = {
  type: "service";
  name: string;
  /** A name in `targets`. */
  target: string;
  source: ServiceSource;
  python?: JobPython;
  env: Readonly<Record<string, EnvValue>>;
  replicas: number;
  /** Where people reach it. */
  host: string;
  port?: number;
  /** Where the app listens in its container. */
  appPort?: number;
  health: HealthRule;
  /** The secret that requests must show, by name; without it, it is open to whoever reaches it. */
  password?: string;
  memoryBytes: number | null;
  cpus: number | null;
  /** `null`: never sleeps by itself. */
  idleMs: number | null;
  holdMs: number;
  drainMs: number;
  stopMs: number;
  responseMs: number;
  maxBodyBytes: number;
  /** Asking twice is asking once, also by POST. */
  repeatsAll: boolean;
  metricsPath: string | null;
  /** Reached by this name, over TLS. */
  domain?: string;
  /** Files, relative to the project's folder. */
  certificate?: { cert: string; key: string };
  /** Of a domain without files. */
  acme?: Omit<AcmeRule, "program">;
};

/** Paths are relative to the project's folder. */
export type ServiceSource =
  /** Given to `sh -c` in the release's own copy of the sources. */
  | { kind: "command"; command: string }
  | { kind: "build"; folder: string }
  | { kind: "image"; image: string }
  | { kind: "model"; file: string; rows?: string };

export type EnvValue = { text: string } | { secret: string };

export type JobPython = {
  packages: readonly string[];
  /** In the sources of the job. */
  requirements?: string;
  version?: string;
};

export type JobContainer =
  | { image: string }
  /** The folder and the file are in the sources of the job. */
  | { build: string; file?: string; tag: string };

export type DataSource = {
  /** A folder or file relative to the project's folder, or an https address. */
  from: string;
  kind: "path" | "url";
  /** Where the run finds it, relative to its folder. */
  to: string;
  /** An archive is unpacked into `to`. */
  unpack: boolean;
  /** Of what the address gives; pins it. */
  sha256?: string;
};

export type LabSection = {
  type: "lab";
  name: string;
  /** A name in `targets`. */
  target: string;
  /** A name in `secrets`; without one only `open` lets in. */
  password?: string;
  /** `null`: never sleeps by itself. At most 365 days, which is more than one Node timer can hold. */
  idleMs: number | null;
  /** `null`: no cap. */
  maxAwakeMs: number | null;
  keepAwake?: KeepAwake;
  /** Its `repo` as it was written: a folder is relative to the project's. Without it nothing is saved. */
  save?: SaveRule;
  /** PEP 508 requirement specifiers. */
  packages: readonly string[];
  /** A file, relative to the project's folder. */
  requirements?: string;
  /** Minor version, as in "3.12"; without it whatever the machine has. */
  python?: string;
  port?: number;
  /** A folder, relative to the project's folder; inside it, and apart from `.sesta` and other workspaces. */
  workspace: string;
};

/** Safe for names that came from outside: `constructor` is no workload. */
export function findWorkload(project: Project, name: string): WorkloadSection | undefined {
  return Object.hasOwn(project.workloads, name) ? project.workloads[name] : undefined;
}

export function findSecret(project: Project, name: string): SecretRef | undefined {
  return Object.hasOwn(project.secrets, name) ? project.secrets[name] : undefined;
}

export function findLab(project: Pick<Project, "workloads">, name: string): LabSection | undefined {
  const found = Object.hasOwn(project.workloads, name) ? project.workloads[name] : undefined;
  return found?.type === "lab" ? found : undefined;
}

export function listLabs({ workloads }: Pick<Project, "workloads">): LabSection[] {
  return Object.values(workloads).filter((section) => section.type === "lab");
}

export function findFronted(project: Pick<Project, "workloads">, name: string): FrontedSection | undefined {
  const found = Object.hasOwn(project.workloads, name) ? project.workloads[name] : undefined;
  return found?.type === "lab" || found?.type === "tracker" ? found : undefined;
}

export function listFronted({ workloads }: Pick<Project, "workloads">): FrontedSection[] {
  return Object.values(workloads).filter(
    ({ type }) => type === "lab" || type === "tracker",
  ) as FrontedSection[];
}

export function listTrackers({ workloads }: Pick<Project, "workloads">): TrackerSection[] {
  return Object.values(workloads).filter((section) => section.type === "tracker");
}

export function listJobs({ workloads }: Pick<Project, "workloads">): JobSection[] {
  return Object.values(workloads).filter((section) => section.type === "job");
}

export function findService(project: Pick<Project, "workloads">, name: string): ServiceSection | undefined {
  const found = Object.hasOwn(project.workloads, name) ? project.workloads[name] : undefined;
  return found?.type === "service" ? found : undefined;
}

export function listServices({ workloads }: Pick<Project, "workloads">): ServiceSection[] {
  return Object.values(workloads).filter((section) => section.type === "service");
}
