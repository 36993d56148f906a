// A model that is loaded: what it takes, what it gives, and the one call that runs it.
import { accessSync, constants } from "node:fs";
import { messageOf, SestaError } from "../base/errors.ts";
import { datatypes, type Datatype, type TensorData } from "./datatype.ts";
import type { NativeTensor, NativeValue, Runtime } from "./runtime.ts";

export type Port = {
  name: string;
  datatype: Datatype;
  /** -1 where any length will do. */
  shape: readonly number[];
};

export type Tensor = { data: TensorData; dims: readonly number[] };

export type Model = {
  name: string;
  version: string;
  inputs: readonly Port[];
  /** Tensors only: an output that is a sequence or a map is left out. */
  outputs: readonly Port[];
  leftOut: readonly string[];
  /**
   * In the order of `inputs` and `outputs`; blocks until it is done.
   * @throws Error with onnxruntime's words
   */
  run(inputs: readonly Tensor[]): Tensor[];
};

type Named = { path: string; name: string; version: string };

// One thread a run: the workers are what uses the cores. Without its arena onnxruntime gives memory back.
const sessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  enableCpuMemArena: false,
  enableMemPattern: false,
};

/** @throws SestaError START_FAILED in one line: no such file, not ONNX, an operator or type that is not supported */
export function loadModel(runtime: Runtime, { path, name, version }: Named): Model {
  const session = new runtime.InferenceSession();
  try {
    accessSync(path, constants.R_OK);
    session.loadModel(path, sessionOptions);
  } catch (cause) {
    const [line = ""] = messageOf(cause).split("\n");
    throw new SestaError("START_FAILED", `${path} cannot be served: ${line.trim()}`, { cause });
  }
  const given = session.outputMetadata.filter(({ isTensor }) => isTensor);
  const inputs = session.inputMetadata.map((value) => readPort(path, value));
  const outputs = given.map((value) => readPort(path, value));
  if (outputs.length === 0) throw new SestaError("START_FAILED", `${path} has no output that is a tensor`);
  const types = session.inputMetadata.map(({ type }) => nativeTypes[type] ?? "");
  const fetches = Object.fromEntries(given.map((value) => [value.name, null]));
  const runOptions = {};

  return {
    name,
    version,
    inputs,
    outputs,
    leftOut: session.outputMetadata.flatMap((value) => (value.isTensor ? [] : [value.name])),
    run(tensors) {
      const feeds: Record<string, NativeTensor> = {};
      for (const [index, { name }] of inputs.entries()) {
        const { data, dims } = tensors[index] ?? { data: [], dims: [] };
        feeds[name] = {
          type: types[index] ?? "",
          data: toNative(data),
          dims: dims as number[],
          location: "cpu",
        };
      }
      const results = session.run(feeds, fetches, runOptions);
      return outputs.map(({ name }) => readResult(results[name]));
    },
  };
}

// Their names in onnxruntime, by ONNX's number.
const nativeTypes = [
  "",
  "float32",
  "uint8",
  "int8",
  "uint16",
  "int16",
  "int32",
  "int64",
  "string",
  "bool",
  "float16",
  "float64",
  "uint32",
  "uint64",
];

function readPort(path: string, { name, isTensor, type, shape }: NativeValue): Port {
  const datatype = isTensor ? datatypes[type] : undefined;
  if (datatype) return { name, datatype, shape };
  const kind = isTensor ? `element type ${type}` : "type, which is no tensor";
  throw new SestaError("START_FAILED", `${path} cannot be served: "${name}" has an unsupported ${kind}`);
}

/** Its native part reads and makes Uint16Array where it means float16. */
function toNative(data: TensorData): TensorData {
  return data instanceof Float16Array ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
}

function readResult(result: NativeTensor | undefined): Tensor {
  if (result === undefined) throw new Error("onnxruntime gave no result");
  const data = result.data as TensorData;
  if (result.type !== "float16" || Array.isArray(data)) return { data, dims: result.dims };
  const { buffer, byteOffset, length } = data;
  return { data: new Float16Array(buffer, byteOffset, length), dims: result.dims };
}
