// The model of a service that Sesta serves itself: an ONNX file, or a pickle that becomes one and predicts the same.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { makePythonEnvironment } from "../../machine/python-environment.ts";
import type { Progress } from "../../model/plan.ts";
import type { ServiceSection, ServiceSource } from "../../model/project.ts";
import { runStep } from "../../targets/step.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import { convertScript, lockedConverter } from "../../workloads/service/convert/files.gen.ts";
import {
  buildConversion,
  buildConverterEnvironment,
  convertFiles,
  readVerdict,
} from "../../workloads/service/convert-model.ts";
import { findSklearnVersion } from "../../workloads/service/model-pickle.ts";
import type { Context } from "../context.ts";
import type { Sources } from "../jobs/folder-sources.ts";

export type Model = {
  /** As the project file names it. */
  file: string;
  /** Absolute. */
  path: string;
  rows: string | undefined;
  /** Where it is, or will be, as ONNX: absolute. */
  folder: string;
  isReady: boolean;
  sources: Sources;
};

/** Its name in a release. */
export const modelFile = "model.onnx";

/** @param tree that a pipeline made, instead of the project's folder. @throws SestaError MODEL_REFUSED */
export async function findModel(
  { project, folder: own }: Context,
  { name }: ServiceSection,
  source: Extract<ServiceSource, { kind: "model" }>,
  tree?: string,
): Promise<Model> {
  const base = tree ?? project.folder;
  const path = join(base, source.file);
  const rows = source.rows === undefined ? undefined : join(base, source.rows);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new SestaError("MODEL_REFUSED", `There is no ${source.file} for ${name}`, {
      where: path,
      hint: "Train it first, or let a pipeline bring it.",
      cause,
    });
  });
  const parts = isOnnx(source.file) ? [] : [convertScript, lockedConverter];
  const given = rows === undefined ? "" : sha256(await readFile(rows));
  const key = digestOf("model", sha256(bytes), given, ...parts.map(sha256));
  const folder = join(own, "models", key);
  const size = await stat(join(folder, modelFile)).then(
    (found) => found.size,
    () => undefined,
  );
  return {
    file: source.file,
    path,
    rows,
    folder,
    isReady: size !== undefined,
    sources: {
      digest: key,
      contents: `sha256:${sha256(bytes)}`,
      commit: null,
      dirty: null,
      upload: { folder, files: [modelFile], bytes: size ?? bytes.length },
    },
  };
}

/** It is there as ONNX when this resolves. @throws SestaError MODEL_REFUSED where the two predict otherwise */
export async function readyModel(context: Context, model: Model, name: string, on: Progress): Promise<void> {
  if (model.isReady) return;
  const making = `${model.folder}.making-${context.world.pid}`;
  await mkdir(making, { recursive: true, mode: 0o700 });
  try {
    if (isOnnx(model.file)) await copyFile(model.path, join(making, modelFile), constants.COPYFILE_FICLONE);
    else await runStep(on, name, "convert", (detail) => convert(context, model, making, detail));
    await rm(model.folder, { recursive: true, force: true });
    await rename(making, model.folder);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** The pickle is loaded in a plain process, as that runs what is in it. */
async function convert(
  { machine, folder, world }: Context,
  model: Model,
  into: string,
  detail: (text: string) => void,
): Promise<void> {
  const wanted = buildConverterEnvironment(findSklearnVersion(await readFile(model.path)));
  const environment = join(folder, "environments", digestOf("converter", wanted).slice(0, 16));
  const maker = { machine, cacheFolder: world.cacheFolder, signal: world.signal };
  await makePythonEnvironment(maker, wanted, environment, detail);
  await machine.put(convertFiles, into);
  detail("comparing what both predict");
  const argv = buildConversion({
    python: join(environment, "bin", "python"),
    script: join(into, "convert.py"),
    model: model.path,
    output: join(into, modelFile),
    rows: model.rows,
  });
  const { stdout, stderr } = await machine.run(argv, { cwd: into, signal: world.signal });
  const { rows, source } = readVerdict(model.file, stdout, stderr);
  detail(`the same on ${rows} ${source} rows`);
  await rm(join(into, "convert.py"));
}

function isOnnx(file: string): boolean {
  return file.endsWith(".onnx");
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
