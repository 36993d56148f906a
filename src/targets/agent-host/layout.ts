// Where a project keeps things on a machine with an agent.
import { createHash } from "node:crypto";
import { isAbsolute, join, resolve } from "node:path/posix";
import type { MachinePlaces } from "../../model/agent-protocol.ts";
import type { Launch, PythonEnvironment } from "../../model/launch.ts";
import type { HostFolders } from "./agent-host.ts";

const digestMark = "sha256:";

type Folders = Pick<HostFolders, "project" | "sesta">;

export function agentHome({ sesta }: Folders): string {
  return join(sesta, "agent");
}

/** A workload's own settings, which people made while they used it. */
export function keepFolder(folders: Folders, name: string): string {
  return join(agentHome(folders), "keep", name);
}

/** The saves of a workload: a private repository, and what is owed to its remote. */
export function savesFolder(folders: Folders, name: string): string {
  return join(agentHome(folders), "saves", name);
}

export function environmentsFolder({ sesta }: Folders): string {
  return join(sesta, "environments");
}

/** A release's own copy of its files, as the agent makes it. */
export function releaseTree(folders: Folders, name: string, release: number): string {
  return join(agentHome(folders), "services", name, String(release), "tree");
}

export function logFile(folders: Folders, name: string): string {
  return join(agentHome(folders), "logs", `${name}.log`);
}

/** The same needs give the same folder, so an unchanged environment costs nothing. */
export function placesOf(folders: Folders, launch: Launch): Pick<MachinePlaces, "environment" | "workspace"> {
  const { environment, workspace } = launch;
  return {
    environment: environment
      ? join(environmentsFolder(folders), environmentDigest(environment))
      : folders.sesta,
    workspace: isAbsolute(workspace) ? workspace : resolve(folders.project, workspace),
  };
}

/** What `plan` compares; the same for a launch and for what is kept of it. */
export function launchDigest(launch: Launch): string {
  return digest(toKeep(launch));
}

/** A launch as it is remembered: of the lock, which is long, only the digest. */
export function toKeep(launch: Launch): Launch {
  const { environment } = launch;
  return environment
    ? { ...launch, environment: { ...environment, locked: lockDigest(environment.locked) } }
    : launch;
}

function environmentDigest({ python, locked, packages, requirements }: PythonEnvironment): string {
  return digest({ python, locked: lockDigest(locked), packages, requirements }).slice(0, 16);
}

function lockDigest(locked: string): string {
  return locked.startsWith(digestMark)
    ? locked
    : digestMark + createHash("sha256").update(locked).digest("hex");
}

function digest(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(value)))
    .digest("hex");
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
