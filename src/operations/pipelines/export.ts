// Writes a pipeline as workflows of GitHub Actions, never over what somebody has edited.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../../base/atomic-file.ts";
import { SestaError } from "../../base/errors.ts";
import { version } from "../../base/version.ts";
import { findWorkload } from "../../model/project.ts";
import type { PipelineSection } from "../../model/pipeline.ts";
import { buildWorkflows } from "../../pipelines/export/build-workflows.ts";
import type { Exported } from "../../pipelines/export/export-input.ts";
import { judgeFile, signFile } from "../../pipelines/export/signed-file.ts";
import { findService } from "../../pipelines/graph.ts";
import type { Context } from "../context.ts";

export type ExportRequest = {
  pipeline: PipelineSection;
  storedKeys: boolean;
  /** Write over what somebody has edited. */
  force: boolean;
  /** Write nothing. */
  check: boolean;
};

export type ExportedFiles = Pick<Exported, "settings" | "notes"> & {
  /** Absolute. */
  files: { path: string; state: "written" | "unchanged" | "differs" }[];
};

/** @throws SestaError FILE_EDITED before anything is written; UNSUPPORTED */
export async function exportToGithub(
  context: Context,
  { pipeline, storedKeys, force, check }: ExportRequest,
): Promise<ExportedFiles> {
  const { project } = context;
  const { root, folder } = await findRepository(context);
  const services = pipeline.stages.flatMap((stage) => findService(stage) ?? []);
  const { files, settings, notes } = buildWorkflows({
    version,
    pipeline,
    secrets: project.secrets,
    registries: project.registries,
    targets: Object.fromEntries(
      services.map((name) => [
        name,
        project.targets[findWorkload(project, name)?.target ?? ""]?.type ?? "local",
      ]),
    ),
    folder,
    storedKeys,
  });
  const found = await Promise.all(
    files.map(async ({ name, text }) => {
      const path = join(root, ".github", "workflows", name);
      const content = signFile(text, `pipelines.${pipeline.name} in ${join(folder, "sesta.yaml")}`);
      return { path, content, before: await readFile(path, "utf8").catch(() => undefined) };
    }),
  );
  if (!force && !check) refuseEdited(found);
  const done: ExportedFiles["files"] = [];
  for (const { path, content, before } of found) {
    if (before !== content && !check) {
      await mkdir(join(root, ".github", "workflows"), { recursive: true });
      await writeAtomic(path, content, 0o644);
    }
    done.push({ path, state: before === content ? "unchanged" : check ? "differs" : "written" });
  }
  return { files: done, settings, notes };
}

function refuseEdited(files: readonly { path: string; content: string; before: string | undefined }[]): void {
  const problems = files.flatMap(({ path, content, before }) => {
    const state = before === undefined || before === content ? "own" : judgeFile(before);
    if (state === "own") return [];
    return [`${path} ${state === "edited" ? "was edited by hand" : "was not written by Sesta"}`];
  });
  if (problems.length === 0) return;
  throw new SestaError("FILE_EDITED", "Nothing was written: somebody else's work would be lost", {
    problems,
    hint: "Move the file aside and compare, or add --force to write over it.",
  });
}

/** The repository and the project's folder in it; the folder itself where there is no repository. */
async function findRepository({ machine, project }: Context): Promise<{ root: string; folder: string }> {
  const argv = ["git", "-C", project.folder, "rev-parse", "--show-toplevel", "--show-prefix"] as const;
  const ran = await machine.run(argv).catch(() => undefined);
  const [root, prefix = ""] = ran?.exitCode === 0 ? ran.stdout.split("\n") : [];
  return root === undefined
    ? { root: project.folder, folder: "" }
    : { root, folder: prefix.replace(/\/$/, "") };
}
