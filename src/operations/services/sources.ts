// The files of a release: the project's folder as .gitignore leaves it, or a tree that a pipeline made.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { listJobs, listLabs, type ServiceSection } from "../../model/project.ts";
import { parseRequirements } from "../../workloads/lab/requirements.ts";
import type { Context } from "../context.ts";
import { findProjectFiles, type Sources } from "../jobs/folder-sources.ts";
import { listPrivateFiles } from "../private-files.ts";

/** What stays here: outputs of jobs, workspaces of labs, and what is private. */
export function findServiceFiles(context: Context): Promise<Sources> {
  const { project } = context;
  const outputs = listJobs(project).map(({ into }) => into);
  return findProjectFiles(context, [...outputs.filter((path) => path !== "."), ...listNeverShipped(context)]);
}

/** What is in no release, whoever makes it: workspaces of labs, and what is private, even where it is committed. */
export function listNeverShipped(context: Pick<Context, "project" | "world">): string[] {
  const workspaces = listLabs(context.project).map(({ workspace }) => workspace);
  return [...workspaces.filter((path) => path !== "."), ...listPrivateFiles(context)];
}

/** Lines of the requirements file, as it is in the release. @throws SestaError SETUP_FAILED */
export async function readServiceRequirements(
  { name, python }: ServiceSection,
  { upload }: Sources,
): Promise<string[]> {
  const file = python?.requirements;
  if (file === undefined || !upload) return [];
  if (!upload.files.includes(file)) {
    const why = existsSync(join(upload.folder, file)) ? ".gitignore leaves it out" : "there is no such file";
    throw new SestaError("SETUP_FAILED", `${file} would not be in a release of ${name}: ${why}`, {
      hint: "Let git see it, or correct `python` in sesta.yaml.",
    });
  }
  const text = await readFile(join(upload.folder, file), "utf8");
  return parseRequirements(text, `${name}: ${file}`);
}
