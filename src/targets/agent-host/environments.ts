// The Python environments of a project: which are there, and which nobody needs any more.
import { join } from "node:path/posix";
import type { AgentHost } from "./agent-host.ts";
import { environmentsFolder, placesOf } from "./layout.ts";

/** Paths of the environments that exist. */
export async function listEnvironments({ disk, folders }: AgentHost): Promise<string[]> {
  const folder = environmentsFolder(await folders());
  return (await disk.listFolders(folder)).map((name) => join(folder, name));
}

/** Removes environments that no placed workload and no release asks for, and nothing runs from. */
export async function removeUnusedEnvironments(host: AgentHost): Promise<string[]> {
  const { state, agent, disk } = host;
  const isThere = (await agent.findHello()) !== undefined;
  const reports = isThere ? await agent.call("list", {}) : [];
  if (reports.some((report) => report.pid !== null)) return [];
  const known = isThere ? await agent.call("environments", {}) : [];
  const folders = await host.folders();
  const placed = state.listWorkloads().map(({ launch }) => placesOf(folders, launch).environment);
  const used = new Set([...placed, ...known]);
  const unused = (await listEnvironments(host)).filter((folder) => !used.has(folder));
  await disk.remove(unused);
  return unused;
}
