// What the file says about other files: they exist, and no link leads out of the project. Never cached.
import { lstat, realpath, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import {
  listJobs,
  listLabs,
  listServices,
  listTrackers,
  type JobSection,
  type Project,
  type ServiceSection,
} from "../model/project.ts";
import type { Path } from "./located.ts";
import { quote } from "./wording.ts";

/** A path that the project file names, normalised and relative to the project's folder. */
export type FileClaim = { path: Path; kind: "file" | "workspace" | "path"; file: string };

export type FileProblem = { path: Path; message: string };

export async function findFileProblems(folder: string, claims: readonly FileClaim[]): Promise<FileProblem[]> {
  const root = await findRealPath(folder);
  if (root === undefined) return []; // text that was not read from a folder
  const found = await Promise.all(claims.map((claim) => checkClaim(folder, root, claim)));
  return found.flatMap((message, index) => {
    const claim = claims[index];
    return message === undefined || claim === undefined ? [] : [{ path: claim.path, message }];
  });
}

export function buildFileClaims(project: Project): FileClaim[] {
  const ofLabs = listLabs(project).flatMap(({ name, requirements, workspace }): FileClaim[] => [
    { path: ["workloads", name, "workspace"], kind: "workspace", file: workspace },
    ...(requirements === undefined
      ? []
      : [{ path: ["workloads", name, "requirements"], kind: "file" as const, file: requirements }]),
  ]);
  const ofTrackers = listTrackers(project).map(({ name, backup }): FileClaim => ({
    path: ["workloads", name, "backup", "into"],
    kind: "workspace",
    file: backup.folder,
  }));
  const ofServices = listServices(project).flatMap(buildServiceClaims);
  return [...ofLabs, ...ofTrackers, ...buildJobFileClaims(project), ...ofServices];
}

export function buildJobFileClaims(project: Project): FileClaim[] {
  return listJobs(project).flatMap(buildJobClaims);
}

/** Of what the job names in the project's folder itself; what is in its sources is looked at where they are. */
function buildJobClaims({
  name,
  playbook,
  inventory,
  data,
  python,
  container,
  project,
  repo,
}: JobSection): FileClaim[] {
  const claim = (key: Path, kind: FileClaim["kind"], file: string | undefined): FileClaim[] =>
    file === undefined ? [] : [{ path: ["workloads", name, ...key], kind, file }];
  const own = repo === undefined;
  return [
    ...claim(["playbook"], "file", playbook),
    ...claim(["inventory"], "path", inventory),
    ...data.flatMap(({ kind, from }, index) => (kind === "path" ? claim(["data", index], "path", from) : [])),
    ...(own ? claim(["python"], "file", python?.requirements) : []),
    ...(own ? claim(["project"], "path", project?.folder) : []),
    ...(own && container && "build" in container
      ? claim(["container", "build"], "path", container.build)
      : []),
  ];
}

/** A model may be what a pipeline brings; without it a deploy says so. */
function buildServiceClaims({ name, source, python, certificate }: ServiceSection): FileClaim[] {
  const claim = (key: Path, kind: FileClaim["kind"], file: string | undefined): FileClaim[] =>
    file === undefined ? [] : [{ path: ["workloads", name, ...key], kind, file }];
  return [
    ...claim(["build"], "path", source.kind === "build" ? source.folder : undefined),
    ...claim(["rows"], "file", source.kind === "model" ? source.rows : undefined),
    ...claim(["python"], "file", python?.requirements),
    ...claim(["certificate", "cert"], "file", certificate?.cert),
    ...claim(["certificate", "key"], "file", certificate?.key),
  ];
}

async function checkClaim(
  folder: string,
  root: string,
  { kind, file }: FileClaim,
): Promise<string | undefined> {
  const path = join(folder, file);
  const real = await findRealPath(path);
  const nearest = real ?? (await findNearestReal(dirname(path)));
  if (nearest !== undefined && nearest !== root && !isIn(root, nearest)) {
    return `${quote(file)} is reached by a link that leads out of the project's folder`;
  }
  if (real === undefined) {
    if (await isBrokenLink(path)) return `${quote(file)} is a link to nothing`;
    if (kind !== "workspace") return `the file ${quote(file)} does not exist`;
    const canBeMade = nearest === undefined || (await stat(nearest)).isDirectory();
    return canBeMade ? undefined : `${quote(file)} cannot be a folder: a file stands in its way`;
  }
  const found = await stat(real);
  if (kind === "path")
    return found.isFile() || found.isDirectory()
      ? undefined
      : `${quote(file)} is neither a file nor a folder`;
  if (kind === "file") return found.isFile() ? undefined : `${quote(file)} is not an ordinary file`;
  if (!found.isDirectory()) return `${quote(file)} is not a folder`;
  const forbidden =
    real === root ||
    [".sesta", ".git"].some((own) => real === join(root, own) || isIn(join(root, own), real));
  return forbidden ? `${quote(file)} is a link to a folder that cannot be a workspace` : undefined;
}

function isIn(folder: string, path: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

/** The real path of the nearest ancestor that exists: what is not there yet is made below it. */
async function findNearestReal(path: string): Promise<string | undefined> {
  const real = await findRealPath(path);
  if (real !== undefined || dirname(path) === path) return real;
  return findNearestReal(dirname(path));
}

async function findRealPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined;
  }
}

async function isBrokenLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false;
  }
}
