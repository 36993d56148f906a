// What the design gives a meaning that this version does not carry out yet: named, so that it is never called unknown.
import type { Path } from "./located.ts";

/** Keys, by the kind of section they stand in. */
const laterKeys: Readonly<Record<string, readonly string[]>> = {
  gateway: ["domain", "certificate"],
  workload: ["machine", "domain"],
};

export const laterTargetTypes: readonly string[] = ["aws", "gcp"];

export function isLaterKey(path: Path, key: string): boolean {
  return (laterKeys[sectionOf(path)] ?? []).includes(key);
}

export type SectionKind =
  | "project"
  | "gateway"
  | "secret"
  | "target"
  | "workload"
  | "save"
  | "keep_awake"
  | "backup"
  | "container"
  | "pipeline"
  | "stage"
  | "metric"
  | "registry"
  | "other";

const pipelineSections = ["pipeline", "stage", "metric"] as const;
const innerSections = ["save", "keep_awake", "container", "backup"] as const;

/** The kind of section that a path leads to. */
export function sectionOf(path: Path): SectionKind {
  if (path.length === 0) return "project";
  if (path.length === 1 && path[0] === "gateway") return "gateway";
  if (path[0] === "pipelines" && path.length > 1) return pipelineSections[path.length - 2] ?? "other";
  if (path.length === 3 && path[0] === "workloads")
    return innerSections.find((name) => name === path[2]) ?? "other";
  if (path.length !== 2) return "other";
  if (path[0] === "secrets") return "secret";
  if (path[0] === "targets") return "target";
  if (path[0] === "registries") return "registry";
  return path[0] === "workloads" ? "workload" : "other";
}
