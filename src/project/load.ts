// Loads a project from its folder.
import type { Project } from "../model/project.ts";
import { parseProject } from "./parse.ts";
import { readProjectFile } from "./read.ts";

/**
 * @returns checked, defaults filled in, secrets still references
 * @throws SestaError PROJECT_MISSING, PROJECT_UNREADABLE, PROJECT_INVALID with `problems`
 */
export async function loadProject(folder: string): Promise<Project> {
  const { bytes } = await readProjectFile(folder);
  return parseProject(bytes, folder);
}
