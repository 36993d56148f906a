// How a pickled model of scikit-learn becomes ONNX: the environment, the command, and the verdict on the two.
import { z } from "zod";
import { SestaError } from "../../base/errors.ts";
import type { PythonEnvironment } from "../../model/launch.ts";
import { convertScript, lockedConverter } from "./convert/files.gen.ts";

/** The script, by its name; it belongs beside nothing and needs no other file. */
export const convertFiles: Readonly<Record<string, string>> = { "convert.py": convertScript };

/** What converts, and knows scikit-learn as the model's own version does. */
export const lockedSklearn = /^scikit-learn==(\S+)/m.exec(lockedConverter)?.[1] ?? "";

/**
 * Locked with digests where the model is of the locked version of scikit-learn, or names none. An older or newer one gets its own
 * version, since only that is sure to load it; uv then resolves what goes with it.
 * @param sklearn as `findSklearnVersion` reads it
 */
export function buildConverterEnvironment(sklearn: string | undefined): PythonEnvironment {
  if (sklearn === undefined || sklearn === lockedSklearn)
    return { python: ">=3.11,<3.15", locked: lockedConverter, packages: [], requirements: [] };
  const pinned = (name: string) => new RegExp(`^${name}==\\S+`, "m").exec(lockedConverter)?.[0] ?? name;
  return {
    python: findPythons(sklearn),
    locked: "",
    packages: [
      `scikit-learn==${sklearn}`,
      pinned("skl2onnx"),
      pinned("onnxruntime"),
      "joblib",
      // Built before numpy 2, and without a word of it in their metadata.
      ...(isBelow(sklearn, 1, 5) ? ["numpy<2"] : []),
    ],
    requirements: [],
  };
}

type Conversion = {
  /** The environment's interpreter. */
  python: string;
  script: string;
  model: string;
  /** Written only when the two predict the same. */
  output: string;
  /** CSV, JSON or .npy of rows to compare on; without it rows are generated. */
  rows?: string | undefined;
};

/**
 * Loading a pickle runs the code that is in it, with the rights of whoever runs this. It must be a plain process on the
 * machine that builds, without secrets in its environment; never the agent or the gateway.
 */
export function buildConversion({ python, script, model, output, rows }: Conversion): [string, ...string[]] {
  return [python, script, model, output, ...(rows === undefined ? [] : ["--rows", rows])];
}

const compared = z.object({
  verdict: z.enum(["same", "different"]),
  /** The estimator's class. */
  model: z.string(),
  features: z.number(),
  classes: z.array(z.unknown()).nullable(),
  rows: z.number(),
  source: z.enum(["given", "generated"]),
  sklearn: z.string(),
  /** The element type that the converted model takes. */
  input: z.string(),
  differ: z.number(),
  /** Rows where the labels differ and the original gives both the same probability. */
  ties: z.number(),
  /** Of probabilities, or of predicted numbers in relation to their size; null where there are none. */
  largest_difference: z.number().nullable(),
  first: z.array(z.object({ row: z.array(z.number()), original: z.unknown(), converted: z.unknown() })),
  seconds: z.number(),
});

export type Comparison = z.infer<typeof compared>;

const failed = z.object({
  verdict: z.literal("failed"),
  step: z.string(),
  why: z.string(),
  kind: z.string(),
});

/**
 * The comparison that lets a release pass.
 * @param stdout of the conversion; its last line is the verdict
 * @throws SestaError MODEL_REFUSED where the two differ, or there is nothing to compare
 */
export function readVerdict(model: string, stdout: string, stderr: string): Comparison {
  const content = parse(stdout);
  const { data: comparison } = compared.safeParse(content);
  if (comparison?.verdict === "same") return comparison;
  if (comparison !== undefined)
    throw new SestaError("MODEL_REFUSED", describeDifference(comparison), {
      where: model,
      problems: comparison.first.map(
        ({ row, original, converted }) =>
          `[${row.join(", ")}]: the original says ${JSON.stringify(original)}, converted ${JSON.stringify(converted)}`,
      ),
      hint: "Serve it with its own application (`command:` or `build:`), or export it to ONNX yourself.",
    });
  const { data: failure } = failed.safeParse(content);
  const lastLine = stderr.trim().split("\n").at(-1);
  const why = failure?.why ?? (lastLine || "the conversion ended without a verdict");
  const isMissing = failure?.kind === "ModuleNotFoundError" || failure?.kind === "AttributeError";
  throw new SestaError("MODEL_REFUSED", why, {
    where: model,
    hint: isMissing
      ? "The pickle needs code that is not part of scikit-learn: export it to ONNX yourself and name that file."
      : "Export it to ONNX yourself and name that file, or serve it with its own application.",
  });
}

function describeDifference({ differ, rows, source, largest_difference }: Comparison): string {
  const largest =
    largest_difference === null ? "" : `, by up to ${Number(largest_difference.toPrecision(3))}`;
  return `the converted model predicts otherwise than the original on ${differ} of ${rows} ${source} rows${largest}`;
}

function parse(stdout: string): unknown {
  try {
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  } catch {
    return undefined;
  }
}

/** Those that this version of scikit-learn has wheels for. */
function findPythons(sklearn: string): string {
  if (isBelow(sklearn, 1, 3)) return ">=3.10,<3.12";
  if (isBelow(sklearn, 1, 5)) return ">=3.10,<3.13";
  if (isBelow(sklearn, 1, 7)) return ">=3.10,<3.14";
  return isBelow(sklearn, 1, 8) ? ">=3.10,<3.15" : ">=3.11,<3.15";
}

function isBelow(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}
