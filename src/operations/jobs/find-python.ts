// What a job's Python environment is made of: packages, a requirements file, a conda file, or what an MLproject names.
import { posix } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { isCondaFile } from "../../model/mlproject.ts";
import type { JobPython, JobSection } from "../../model/project.ts";
import type { FileEnvironment } from "../../project/conda-file.ts";
import { findInnerPath } from "../../project/inner-path.ts";
import { parseRequirements } from "../../workloads/lab/requirements.ts";
import type { FoundProject } from "./find-project.ts";
import type { SourceFiles } from "./source-files.ts";

export type WantedPython = {
  /** With the version of the file where the job names none. */
  python: JobPython;
  /** Lines of its files; undefined where the sources are not there yet. */
  requirements: readonly string[] | undefined;
  /** What people should know of it, one sentence each. */
  notes: readonly string[];
};

/**
 * Undefined without an environment, or where nobody knows yet whether there is one.
 * @throws SestaError SETUP_FAILED for a file that is not there, PROJECT_INVALID for one that cannot be used
 */
export async function findPython(
  job: JobSection,
  found: FoundProject | undefined,
  files: SourceFiles | undefined,
): Promise<WantedPython | undefined> {
  const python = job.python ?? (found && (await findOwn(job, found, files)));
  if (!python) return undefined;
  const { requirements: file } = python;
  if (file === undefined) return { python, requirements: [], notes: [] };
  if (!files) return { python, requirements: undefined, notes: [] };
  const text = await readFile(job, files, file, job.python ? "python" : "project");
  if (!isCondaFile(file))
    return { python, requirements: parseRequirements(text, `${job.name}: ${file}`), notes: [] };
  const where = `${job.name}: ${file}`;
  const conda = await import("../../project/conda-file.ts");
  const isEnv = !job.python && isPythonEnv(found, file);
  const environment = isEnv ? conda.parsePythonEnv(text, where) : conda.parseCondaFile(text, where);
  const note = conda.describeLeft(environment, file);
  const version = python.version ?? environment.python;
  return {
    python: { ...python, ...(version !== undefined && { version }) },
    requirements: await readLines(job, files, environment, file),
    notes: note === undefined ? [] : [note],
  };
}

/** What MLflow would take: the file that the MLproject names, one under its usual name, else an empty environment. */
async function findOwn(
  { container, project, name }: JobSection,
  { project: { environment }, where }: FoundProject,
  files: SourceFiles | undefined,
): Promise<JobPython | undefined> {
  if (container || !project || !files) return undefined; // what runs in a container has the Python of its image
  const usual = ["python_env.yaml", "conda.yaml"];
  const there = await files.list(project.folder);
  const named = environment?.file ?? usual.find((one) => there.includes(one));
  if (named === undefined) return { packages: [] };
  const path = findInnerPath(posix.join(project.folder, named));
  if (posix.isAbsolute(named) || path === undefined || !isCondaFile(path))
    throw new SestaError("PROJECT_INVALID", `${environment?.kind} is no .yml or .yaml file in its sources`, {
      where,
      hint: `Name the packages under \`python\` of ${name} instead.`,
    });
  return { packages: [], requirements: path };
}

function isPythonEnv(found: FoundProject | undefined, file: string): boolean {
  const kind = found?.project.environment?.kind;
  return kind === undefined ? posix.basename(file) === "python_env.yaml" : kind === "python_env";
}

/** Other requirements files that it names are beside it. */
async function readLines(
  job: JobSection,
  files: SourceFiles,
  { requirements }: FileEnvironment,
  file: string,
): Promise<string[]> {
  const lines = await Promise.all(
    requirements.map(async (line) => {
      const [, other] = /^\s*(?:-r|--requirement)[\s=]*(\S+)\s*$/.exec(line) ?? [];
      if (other === undefined) return parseRequirements(line, `${job.name}: ${file}`);
      const path = findInnerPath(posix.join(posix.dirname(file), other));
      if (posix.isAbsolute(other) || path === undefined)
        throw new SestaError("PROJECT_INVALID", `${other} is not in the sources`, {
          where: `${job.name}: ${file}`,
        });
      return parseRequirements(await readFile(job, files, path, "python"), `${job.name}: ${path}`);
    }),
  );
  return lines.flat();
}

async function readFile(
  { name }: JobSection,
  files: SourceFiles,
  file: string,
  key: "python" | "project",
): Promise<string> {
  const text = await files.read(file);
  if (text !== undefined) return text;
  throw new SestaError("SETUP_FAILED", `There is no ${file} in the sources of ${name}`, {
    hint:
      key === "python"
        ? "Correct `python` of the job in sesta.yaml."
        : "The MLproject file names it: correct that, or name the packages under `python` of the job.",
  });
}
