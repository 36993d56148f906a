// A project as the rest of Sesta sees it: checked, defaults filled in, secrets still references. Plain data.
import type { KeepAwake, SaveRule } from "./launch.ts";
import type { SecretRef } from "./secret.ts";

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
};

export type GatewaySection = {
  /** An IP address, or `localhost`. */
  host: string;
  /** Asked for in the file; without it 8470, else the next free one. */
  port?: number;
  /** The user accepts an address that other machines reach without encryption. */
  insecure: boolean;
};

export type TargetSection = { type: "local" };

export type WorkloadSection = LabSection;

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
