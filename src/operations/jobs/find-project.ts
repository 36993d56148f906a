// The MLproject file of a job's sources, and the script of its entry point.
import { posix } from "node:path";
import { SestaError } from "../../base/errors.ts";
import type { MlProject } from "../../model/mlproject.ts";
import type { JobSection } from "../../model/project.ts";
import type { SourceFiles } from "./source-files.ts";

/** The file's own name for people, and what it says. */
export type FoundProject = { where: string; project: MlProject };

/**
 * Undefined for a job without one, or where its sources are not there yet.
 * @throws SestaError SETUP_FAILED where there is none, PROJECT_INVALID where it cannot be used
 */
export async function findProject(
  { name, project: wanted, container }: JobSection,
  files: SourceFiles | undefined,
): Promise<FoundProject | undefined> {
  if (!wanted || !files) return undefined;
  const file = (await files.list(wanted.folder)).find((one) => one.toLowerCase() === "mlproject");
  const path = posix.join(wanted.folder, file ?? "MLproject");
  const text = file === undefined ? undefined : await files.read(path);
  if (text === undefined)
    throw new SestaError("SETUP_FAILED", `There is no ${path} in the sources of ${name}`, {
      hint: "Correct `project` of the job in sesta.yaml: the folder that holds the MLproject file.",
    });
  const [{ parseMlproject }, { getEntry }] = await Promise.all([
    import("../../project/mlproject.ts"),
    import("../../workloads/job/project-command.ts"),
  ]);
  const where = `${name}: ${path}`;
  const project = parseMlproject(text, where);
  getEntry(project, wanted.entry, where);
  if (project.docker && container === undefined)
    throw new SestaError("UNSUPPORTED", "its docker_env is not read", {
      where,
      hint: "Name the image as the job's `container: { image: … }`, or `{ build: . }` for a Dockerfile.",
    });
  return { where, project };
}

/**
 * The job with the command that a run of it begins, and what is left of its arguments.
 * @throws SestaError USAGE, PROJECT_INVALID
 */
export async function bindProject(
  job: JobSection,
  found: FoundProject | undefined,
  args: readonly string[],
): Promise<{ job: JobSection; args: readonly string[] }> {
  if (!job.project || !found) return { job, args };
  const { buildProjectScript, parseProjectArguments } =
    await import("../../workloads/job/project-command.ts");
  const given = parseProjectArguments(args);
  return {
    job: { ...job, run: buildProjectScript(job.project, found.project, given, found.where) },
    args: [],
  };
}
