// What the Open Inference Protocol tells of a server and of its model, without running it.
import { version as sestaVersion } from "../base/version.ts";
import type { Model, Port } from "./model.ts";

export function describeServer() {
  return { name: "sesta", version: sestaVersion, extensions: [] };
}

export function describeModel({ name, version, inputs, outputs }: Model) {
  return {
    name,
    versions: [version],
    platform: "onnx_onnxv1",
    inputs: inputs.map(describePort),
    outputs: outputs.map(describePort),
  };
}

function describePort({ name, datatype, shape }: Port) {
  return { name, datatype: datatype.protocol, shape };
}
