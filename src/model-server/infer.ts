// `POST /v2/models/NAME/infer`: the Open Inference Protocol's request, held against the model's own signature.
import type { Slice } from "./batch.ts";
import type { Model, Port, Tensor } from "./model.ts";
import { flatten, readTensor } from "./nested.ts";
import { isRecord, readJson } from "./read-json.ts";
import { Refusal } from "./refusal.ts";

export type Inference = {
  id: string | undefined;
  inputs: readonly Tensor[];
  outputs: readonly string[] | undefined;
};

/** @throws Refusal */
export function readInference(model: Model, text: string): Inference {
  const body = readJson(text, model);
  if (!isRecord(body)) throw new Refusal(400, "the body must be a JSON object");
  const { id, inputs, outputs } = body;
  if (id !== undefined && typeof id !== "string") throw new Refusal(400, "id must be a string");
  if (!Array.isArray(inputs)) throw new Refusal(400, "inputs must be an array of tensors");
  const tensors = inputs.map((tensor: unknown, index) => {
    if (isRecord(tensor) && typeof tensor["name"] === "string") return { ...tensor, name: tensor["name"] };
    throw new Refusal(400, `inputs[${index}] must be an object with a name`);
  });
  refuseNames(
    "input",
    tensors.map(({ name }) => name),
    model.inputs,
  );
  return {
    id,
    inputs: model.inputs.map((port) =>
      readInput(
        port,
        tensors.find(({ name }) => name === port.name),
      ),
    ),
    outputs: readOutputs(outputs, model),
  };
}

export function writeInference(model: Model, { id, outputs: wanted }: Inference, slice: Slice): string {
  const tensors = model.outputs.flatMap((port, index) => {
    const tensor = slice.outputs[index];
    return tensor === undefined || wanted?.includes(port.name) === false
      ? []
      : writeTensor(port, tensor, slice);
  });
  const head = { model_name: model.name, model_version: model.version, ...(id !== undefined && { id }) };
  return `${JSON.stringify(head).slice(0, -1)},"outputs":[${tensors.join(",")}]}`;
}

function readInput({ name, datatype, shape }: Port, tensor: Record<string, unknown> | undefined): Tensor {
  const at = `input "${name}"`;
  if (tensor === undefined) throw new Refusal(400, `${at} is missing`);
  if (tensor["datatype"] !== datatype.protocol)
    throw new Refusal(
      400,
      `${at} has the datatype ${datatype.protocol}; got ${JSON.stringify(tensor["datatype"])}`,
    );
  const dims = readShape(tensor["shape"]);
  const fits =
    dims?.length === shape.length && dims.every((length, at) => shape[at] === -1 || shape[at] === length);
  if (dims === undefined || !fits) {
    const got = JSON.stringify(tensor["shape"]) ?? "none";
    throw new Refusal(400, `${at} has the shape [${shape.join(",")}], where -1 is any length; got ${got}`);
  }
  const { data } = tensor;
  if (!Array.isArray(data)) throw new Refusal(400, `${at}: data must be an array`);
  const isNested = Array.isArray(data[0]);
  const count = dims.reduce((product, length) => product * length, 1);
  if (!isNested && data.length !== count)
    throw new Refusal(400, `${at}: the shape [${dims.join(",")}] needs ${count} values; got ${data.length}`);
  const values = isNested ? flatten(data, dims, `${at}: data`) : data;
  return { ...readTensor(datatype, values, isNested ? dims : [count], `${at}: data`), dims };
}

function readShape(shape: unknown): number[] | undefined {
  if (!Array.isArray(shape)) return undefined;
  const isLength = (one: unknown): one is number => Number.isSafeInteger(one) && Number(one) > 0;
  return shape.every(isLength) ? shape : undefined;
}

function readOutputs(outputs: unknown, model: Model): string[] | undefined {
  if (outputs === undefined) return undefined;
  if (!Array.isArray(outputs)) throw new Refusal(400, "outputs must be an array of objects with a name");
  const names = outputs.map((output: unknown, index) => {
    if (isRecord(output) && typeof output["name"] === "string") return output["name"];
    throw new Refusal(400, `outputs[${index}] must be an object with a name`);
  });
  refuseNames("output", names, model.outputs);
  return names.length === 0 ? undefined : names;
}

function refuseNames(kind: string, names: readonly string[], ports: readonly Port[]): void {
  const known = ports.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Refusal(
      400,
      `there is no ${kind} ${JSON.stringify(unknown)}; the model has ${known.join(", ")}`,
    );
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Refusal(400, `the ${kind} "${twice}" is there twice`);
}

function writeTensor({ name, datatype }: Port, { data, dims }: Tensor, { from, rows }: Slice): string {
  const shape = rows === -1 ? dims : [rows, ...dims.slice(1)];
  const count = shape.reduce((product, length) => product * length, 1);
  const begin = rows === -1 ? 0 : from * (count / rows);
  const values: string[] = [];
  for (let index = begin; index < begin + count; index += 1) values.push(datatype.write(data, index));
  const head = JSON.stringify({ name, datatype: datatype.protocol, shape });
  return `${head.slice(0, -1)},"data":[${values.join(",")}]}`;
}
