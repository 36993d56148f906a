// The model of a service that Sesta serves itself: an ONNX file, or a pickle that becomes one and predicts the same.
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { SestaError, systemCode } from "../../base/errors.ts";
import type { Project, ServiceSection, ServiceSource } from "../../model/project.ts";
import { digestOf } from "../../workloads/job/digests.ts";
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

/** Of frameworks that export to ONNX themselves. */
const foreign = /\.(?:h5|hdf5|keras|pb|tflite|pt|pth|safetensors|pmml|json|ubj|bst|cbm)$/i;

/** @param tree that a pipeline made, instead of the project's folder. @throws SestaError MODEL_REFUSED */
export async function findModel(
  { project, folder: own }: Context,
  { name }: ServiceSection,
  source: Extract<ServiceSource, { kind: "model" }>,
  tree?: string,
): Promise<Model> {
  const base = tree ?? project.folder;
  if (foreign.test(source.file))
    throw new SestaError("MODEL_REFUSED", `${source.file} of ${name} is nothing that Sesta serves`, {
      hint: "`model` is an .onnx file, or a .pkl of scikit-learn: export it to ONNX, or serve it with its own application.",
    });
  const path = join(base, source.file);
  const rows = source.rows === undefined ? undefined : join(base, source.rows);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new SestaError("MODEL_REFUSED", `There is no ${source.file} for ${name}`, {
      where: path,
      hint: describeMissing(project, name, source.file),
      cause,
    });
  });
  const parts = isOnnx(source.file) ? [] : await readConverter();
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

function describeMissing({ pipelines }: Project, name: string, file: string): string {
  const makers = Object.values(pipelines).filter(({ stages }) =>
    stages.some(({ outputs }) => outputs.includes(file)),
  );
  const [maker] = makers;
  if (!maker) return "Train it first, or let a pipeline bring it.";
  return `\`sesta pipeline run ${maker.name}\` makes it: give it a stage \`{ deploy: ${name}, needs: [${maker.stages.find(({ outputs }) => outputs.includes(file))?.name}] }\`, or train it here.`;
}

/** What a conversion depends on beside the model; long, so that it is loaded only for one. */
async function readConverter(): Promise<string[]> {
  const { convertScript, lockedConverter } = await import("../../workloads/service/convert/files.gen.ts");
  return [convertScript, lockedConverter];
}

/** One that is yet to be trained, or brought by a pipeline. */
export function isModelMissing(error: unknown): error is SestaError {
  return (
    error instanceof SestaError && error.code === "MODEL_REFUSED" && systemCode(error.cause) === "ENOENT"
  );
}

/** As `contents` of its sources; undefined where there is none. */
export function digestModel(path: string): Promise<string | undefined> {
  return readFile(path).then(
    (bytes) => `sha256:${sha256(bytes)}`,
    () => undefined,
  );
}

export function isOnnx(file: string): boolean {
  return file.endsWith(".onnx");
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
