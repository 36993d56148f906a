// Whether saves can go to a repository that is a folder of this machine, found out by looking alone.
import { readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { SestaError } from "../base/errors.ts";
import { listLabs, type Project } from "../model/project.ts";
import { parseRepository } from "../model/repository.ts";

/**
 * One sentence with what to do; undefined where nothing is wrong, or only a visit could tell.
 * @param repo absolute when it is a path
 * @throws SestaError PROJECT_INVALID for one in a workspace, as links lead
 */
export async function findRepositoryProblem(
  repo: string,
  { workloads, folder }: Pick<Project, "workloads" | "folder">,
): Promise<string | undefined> {
  const found = parseRepository(repo);
  if (!("kind" in found) || found.kind !== "path") return undefined;
  const { path } = found;
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined)
    return `the repository ${path} does not exist: \`git init --bare ${path}\` makes it, or its disk is to be mounted`;
  for (const { workspace } of listLabs({ workloads })) {
    const within = await realpath(join(folder, workspace)).catch(() => undefined);
    if (within !== undefined && (real === within || real.startsWith(within + sep)))
      throw new SestaError("PROJECT_INVALID", `the repository ${path} is in the workspace ${workspace}`, {
        hint: "Name a folder outside of it under `save: { repo }`.",
      });
  }
  if (await isBare(real)) return undefined;
  return `${path} is no bare git repository: saves need one, as \`git init --bare\` makes in a new folder`;
}

/**
 * What is saved on another machine goes from there to its repository.
 * @throws SestaError PROJECT_INVALID for a folder of this machine
 */
export function requireAddress(repo: string, target: string): void {
  const found = parseRepository(repo);
  if (!("kind" in found) || found.kind !== "path") return;
  throw new SestaError(
    "PROJECT_INVALID",
    `the repository ${found.path} is a folder of this machine, and ${target} saves to it`,
    {
      hint: "Name an address that both reach under `save: { repo }`, such as ssh://git@host/notebooks.git.",
    },
  );
}

/** As git itself judges a folder (gitrepository-layout(5)). */
async function isBare(folder: string): Promise<boolean> {
  const parts = await Promise.all(["HEAD", "objects", "refs"].map((name) => exists(join(folder, name))));
  if (parts.includes(false)) return false;
  const config = await readFile(join(folder, "config"), "utf8").catch(() => "");
  return !/^\s*bare\s*=\s*(?:false|no|off|0)\s*$/im.test(config);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
