// The Python environments of a project: which are there, and which nobody needs any more.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Local } from "./context.ts";
import { environmentsFolder, placesOf, type LocalFolders } from "./layout.ts";

/** Paths of the environments that exist. */
export async function listEnvironments(folders: LocalFolders): Promise<string[]> {
  const entries = await readdir(environmentsFolder(folders), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(environmentsFolder(folders), entry.name));
}

/** Removes environments that no placed workload asks for and nothing runs from. */
export async function removeUnusedEnvironments({ folders, state, agent }: Local): Promise<string[]> {
  const reports = (await agent.findHello()) ? await agent.call("list", {}) : [];
  if (reports.some((report) => report.pid !== null)) return [];
  const used = new Set(state.listWorkloads().map(({ launch }) => placesOf(folders, launch).environment));
  const unused = (await listEnvironments(folders)).filter((folder) => !used.has(folder));
  for (const folder of unused) await rm(folder, { recursive: true, force: true });
  return unused;
}
