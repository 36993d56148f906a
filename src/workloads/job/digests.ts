// What each prepared part of a job depends on, as one digest: the same needs are met once.
import { createHash } from "node:crypto";
import type { JobSection } from "../../model/project.ts";

export function digestOf(...parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 24);
}

/** Folders on a machine, below Sesta's own. */
export type JobPlaces = {
  tree: string;
  /** The tree after `setup`; the same without one. */
  prepared: string;
  environment: string | null;
};

/**
 * @param base `~/.sesta` on the machine, absolute
 * @param sources digest of the sources
 * @param requirements lines of the requirements file
 */
export function buildJobPlaces(
  base: string,
  { setup, python, packages }: JobSection,
  sources: string,
  requirements: readonly string[],
): JobPlaces {
  const cache = `${base}/cache`;
  const environment = python
    ? digestOf("python", python.packages, requirements, python.version ?? null)
    : null;
  const tree = `${cache}/trees/${sources}`;
  return {
    tree,
    prepared:
      setup === undefined
        ? tree
        : `${cache}/trees/${digestOf("setup", sources, setup, environment, packages)}`,
    environment: environment === null ? null : `${cache}/environments/${environment}`,
  };
}
