// onnxruntime, loaded as its native part alone: two files of the package onnxruntime-node, and none of its JavaScript.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { messageOf, SestaError } from "../base/errors.ts";
import { listRuntimeFiles, runtimeVersion } from "../model/model-runtime.ts";

export type NativeTensor = { type: string; data: unknown; dims: number[]; location: "cpu" };
export type NativeValue = {
  name: string;
  isTensor: boolean;
  /** ONNX's number of the element type. */
  type: number;
  /** -1 where any length will do. */
  shape: number[];
};
export type NativeSession = {
  loadModel(path: string, options: object): void;
  readonly inputMetadata: readonly NativeValue[];
  readonly outputMetadata: readonly NativeValue[];
  /** @param fetches the wanted outputs: a key each, null for "make one" */
  run(feeds: object, fetches: object, options: object): Record<string, NativeTensor>;
};
export type Runtime = { InferenceSession: new () => NativeSession };

type Binding = Runtime & { initOrtOnce(logLevel: number, tensor: unknown, isMainThread: boolean): void };

/**
 * @param folder holds the native files themselves; undefined: the package onnxruntime-node as `program` would find it
 * @throws SestaError START_FAILED
 */
export function loadRuntime(program: string, folder: string | undefined): Runtime {
  const require = createRequire(program);
  const [file = ""] = listRuntimeFiles(process.platform, process.arch);
  const binding =
    folder === undefined ? findBinding(require, file) : resolve(folder, "onnxruntime_binding.node");
  if (binding === undefined || !existsSync(binding))
    throw new SestaError(
      "START_FAILED",
      `onnxruntime is not installed for ${process.platform} ${process.arch}`,
      {
        hint: `npm install --ignore-scripts onnxruntime-node@${runtimeVersion}`,
      },
    );
  try {
    const loaded = require(binding) as Binding;
    const errorsOnly = 3;
    loaded.initOrtOnce(errorsOnly, Tensor, isMainThread);
    return loaded;
  } catch (cause) {
    throw new SestaError(
      "START_FAILED",
      `onnxruntime could not be loaded: ${messageOf(cause).split("\n")[0]}`,
      { cause },
    );
  }
}

function findBinding(require: NodeJS.Require, file: string): string | undefined {
  try {
    return join(dirname(require.resolve("onnxruntime-node/package.json")), file);
  } catch {
    return undefined;
  }
}

/** What the native part makes its results with. */
class Tensor implements NativeTensor {
  readonly location = "cpu";
  readonly type: string;
  readonly data: unknown;
  readonly dims: number[];

  constructor(type: string, data: unknown, dims: number[]) {
    this.type = type;
    this.data = data;
    this.dims = dims;
  }
}
