// Finds the project that a folder belongs to, as git finds its repository.
import { stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { projectFileName } from "../model/project.ts";

/**
 * The nearest folder at or above `start` with a sesta.yaml, as an absolute path.
 * Above `start`, a file of another user does not count: else whoever can write to /tmp could hand
 * commands to everyone who works below it (git's CVE-2022-24765). Root's files do.
 */
export async function findProjectFolder(start: string): Promise<string | undefined> {
  const first = resolve(start);
  for (let folder = first; ; folder = dirname(folder)) {
    const owner = await findOwner(join(folder, projectFileName));
    if (owner !== undefined && (folder === first || isTrusted(owner))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

async function findOwner(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).uid;
  } catch {
    return undefined;
  }
}

function isTrusted(owner: number): boolean {
  return owner === 0 || owner === process.getuid?.();
}
