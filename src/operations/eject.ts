// Writes a job as a playbook that goes on without Sesta.
import { stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { writeAtomic } from "../base/atomic-file.ts";
import { SestaError } from "../base/errors.ts";
import { isCondaFile } from "../model/mlproject.ts";
import type { JobSection, Project } from "../model/project.ts";
import { resolveRepository } from "../model/repository.ts";
import { listPassed } from "../workloads/job/playbook-run.ts";
import { buildPlaybook } from "../workloads/job/build-playbook.ts";
import type { PlaybookOptions } from "../workloads/job/playbook-options.ts";
import type { Context } from "./context.ts";
import { getJob } from "./jobs/find-job.ts";
import { getTarget } from "./machines.ts";
import { listPrivateFiles } from "./private-files.ts";

export type EjectRequest = {
  job: string;
  manager: "apt" | "dnf";
  /** Absolute. */
  path: string;
};

export type Ejected = {
  /** Of the playbook. */
  text: string;
  /** What it does not do that `sesta run` does: a sentence each. */
  leftOut: string[];
};

/** @throws SestaError UNKNOWN_WORKLOAD */
export async function ejectPlaybook(
  context: Context,
  { job: name, manager, path }: EjectRequest,
): Promise<Ejected> {
  const { project } = context;
  const job = getJob(context, name);
  refuseForeign(job);
  const paths = job.data.flatMap(({ kind, from }) => (kind === "path" ? [from] : []));
  const folders = await Promise.all(
    paths.map(async (from) => (await stat(join(project.folder, from)).catch(() => undefined))?.isDirectory()),
  );
  const { repo, tracker } = job;
  const text = buildPlaybook(
    { ...job, ...(repo !== undefined && { repo: resolveRepository(repo, project.folder) }) },
    {
      project: project.name,
      local: getTarget(context, job.target).type === "local",
      manager,
      secrets: nameSecrets(project),
      excluded: [...listPrivateFiles(context), ...paths, basename(path), "key.pem", "vars.sh"],
      folders: paths.filter((_path, index) => folders[index]),
      fileName: basename(path),
      projectPath: relative(dirname(path), project.folder),
    },
  );
  const leftOut =
    tracker === undefined
      ? []
      : [
          `its run in ${tracker}, which is Sesta's work: set ${listPassed(job).join(", ")} for the program to report`,
        ];
  return { text, leftOut };
}

/** Ansible's pip reads no conda file, and an entry point is filled in for each run anew. */
function refuseForeign({ name, python, project }: JobSection): void {
  if (!project && !isCondaFile(python?.requirements)) return;
  const what = project ? "an MLproject file" : (python?.requirements ?? "");
  throw new SestaError("UNSUPPORTED", `${name} is made from ${what}, which a playbook cannot read`, {
    hint: `Write the ${project ? "command as its `run`" : "packages under its `python`"}, and eject it then.`,
  });
}

/** Readable by all, as a file of the user's own. @throws a system error, DISK_FULL */
export function writePlaybook(path: string, text: string): Promise<void> {
  return writeAtomic(path, text, 0o644);
}

/** What a playbook can read: the variable that holds a secret already, else one named after it. */
function nameSecrets({ secrets }: Project): PlaybookOptions["secrets"] {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, ref]) => [
      name,
      "env" in ref ? ref.env : name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, "_"),
    ]),
  );
}
