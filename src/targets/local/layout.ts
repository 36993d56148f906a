// Where a project keeps things on its own machine.
import { createHash } from "node:crypto";
import { isAbsolute, join, resolve } from "node:path";
import type { Launch, PythonEnvironment } from "../../model/launch.ts";
import type { FixedPlaces } from "../../state/agent-state.ts";

export type LocalFolders = { project: string; sesta: string };

export function agentHome({ sesta }: LocalFolders): string {
  return join(sesta, "agent");
}

export function environmentsFolder({ sesta }: LocalFolders): string {
  return join(sesta, "environments");
}

/** The same needs give the same folder, so an unchanged environment costs nothing. */
export function placesOf(folders: LocalFolders, launch: Launch): FixedPlaces {
  const { environment, workspace } = launch;
  return {
    environment: environment ? join(environmentsFolder(folders), environmentDigest(environment)) : folders.sesta,
    workspace: isAbsolute(workspace) ? workspace : resolve(folders.project, workspace),
  };
}

export function launchDigest(launch: Launch): string {
  return digest(launch);
}

function environmentDigest({ python, locked, packages, requirements }: PythonEnvironment): string {
  return digest({ python, locked, packages, requirements }).slice(0, 16);
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(sorted(value))).digest("hex");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
