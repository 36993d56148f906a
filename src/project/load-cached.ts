// Loads a project without the parser when sesta.yaml is the one that was parsed last: most commands start so.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { writeAtomic } from "../base/atomic-file.ts";
import type { Project } from "../model/project.ts";
import { buildFileClaims, findFileProblems } from "./check-files.ts";
import { readProjectFile } from "./read.ts";
import type { ProjectBytes } from "./read.ts";

const cacheName = "project.json";

/**
 * As `loadProject`. A missing, damaged or foreign cache is ignored, and one that cannot be written is left out.
 * @param cacheFolder the project's private folder; it is not made when it is missing
 * @param version Sesta's own: another one checks and fills in otherwise
 * @throws SestaError PROJECT_MISSING, PROJECT_UNREADABLE, PROJECT_INVALID
 */
export async function loadProjectCached(
  folder: string,
  cacheFolder: string,
  version: string,
): Promise<Project> {
  const source = await readProjectFile(folder);
  const path = join(cacheFolder, cacheName);
  const key = buildKey(source, version);
  const cached = await findCached(path, key);
  if (cached) {
    const project = { ...cached, folder: resolve(folder) };
    // Other files change by themselves; the parser then says where the file names them.
    if ((await findFileProblems(project.folder, buildFileClaims(project))).length === 0) return project;
  }
  const { parseProject } = await import("./parse.ts");
  const project = await parseProject(source.bytes, folder);
  await writeAtomic(path, printCache(project, key)).catch(() => undefined);
  return project;
}

/**
 * Beside the bytes, the file's identity: a cache that came with someone else's project, by clone or archive,
 * names another file, so that nobody can hand over a project that was never checked.
 */
function buildKey({ bytes, identity }: ProjectBytes, version: string): string {
  return digest([version, identity, digest([bytes])]);
}

/** Two lines: a digest over the key and the project, and the project. */
function printCache(project: Project, key: string): string {
  const json = JSON.stringify(project);
  return `${digest([key, json])}\n${json}\n`;
}

async function findCached(path: string, key: string): Promise<Project | undefined> {
  try {
    const [check, json] = (await readOwn(path)).split("\n");
    if (check === undefined || json === undefined || check !== digest([key, json])) return undefined;
    return JSON.parse(json) as Project; // written by printCache, as the digest shows
  } catch {
    return undefined;
  }
}

/** Follows no link, waits for no pipe. */
async function readOwn(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat();
    return size > 10_000_000 ? "" : await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

function digest(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex");
}
