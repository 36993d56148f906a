// `POST /predict`: a row of features in, a prediction out; rows in, predictions out.
import type { Slice } from "./batch.ts";
import type { Model, Port, Tensor } from "./model.ts";
import { flatten, measure, readTensor, writeNested } from "./nested.ts";
import { isRecord, readJson } from "./read-json.ts";
import { Refusal } from "./refusal.ts";

export type Prediction = { inputs: readonly Tensor[]; rows: number; isBatch: boolean };

/**
 * `{"features": ROW}` or `{"features": [ROW, …]}`. A row is nested as the model's one input is, without its first
 * dimension; where the model has several inputs of one value each, a row has a value for each, in their order.
 * @throws Refusal
 */
export function readPrediction(model: Model, text: string): Prediction {
  const body = readJson(text, model);
  const features = isRecord(body) ? body["features"] : undefined;
  if (features === undefined || features === null) throw new Refusal(400, "Missing features");
  const [input] = model.inputs;
  if (input === undefined || !isOneRow(model))
    throw new Refusal(400, `this model takes several tensors: use /v2/models/${model.name}/infer`);
  const wanted = model.inputs.length === 1 ? input.shape.slice(1) : [model.inputs.length];
  const found = measure(features);
  const isBatch = found.length === wanted.length + 1;
  if (!isBatch && found.length !== wanted.length) throw new Refusal(400, describe(model, wanted));
  const rows = isBatch ? (found[0] ?? 0) : 1;
  if (rows === 0) throw new Refusal(400, "features has no rows");
  const takes = input.shape[0] ?? -1;
  if (takes !== -1 && takes !== rows)
    throw new Refusal(400, `this model takes exactly ${takes} rows at a time; got ${rows}`);
  const ownDims = isBatch ? found.slice(1) : found;
  const rowDims = wanted.map((length, at) => (length === -1 ? (ownDims[at] ?? 0) : length));
  if (rowDims.some((length, at) => length !== ownDims[at]) || rowDims.includes(0))
    throw new Refusal(400, `${describe(model, wanted)}; got ${ownDims.join(" x ") || "none"}`);
  const dims = isBatch ? [rows, ...rowDims] : rowDims;
  const values = flatten(features, dims, "features");
  if (model.inputs.length === 1) {
    const tensor = readTensor(input.datatype, values, dims, "features");
    return { inputs: [isBatch ? tensor : { ...tensor, dims: [1, ...rowDims] }], rows, isBatch };
  }
  return {
    inputs: model.inputs.map((port, column) => readColumn(port, values, column, model)),
    rows,
    isBatch,
  };
}

/**
 * The model's first output, a value for each row: of a classifier the label, of `[n, 1]` a number, else an array.
 * @throws Refusal where the model did not give a value for each row
 */
export function writePrediction(model: Model, { rows, isBatch }: Prediction, slice: Slice): string {
  const [port] = model.outputs;
  const [tensor] = slice.outputs;
  if (port === undefined || tensor === undefined) throw new Refusal(500, "the model has no output");
  const [length = 1, ...rest] = tensor.dims;
  if (slice.rows === -1 && length !== rows)
    throw new Refusal(
      500,
      `the model gave ${length} values for ${rows} rows: use /v2/models/${model.name}/infer`,
    );
  const step = rest.reduce((product, one) => product * one, 1);
  const write = (row: number) => writeNested(port.datatype, tensor, (slice.from + row) * step, rest);
  if (!isBatch) return `{"prediction":${write(0)}}`;
  const predictions: string[] = [];
  for (let row = 0; row < rows; row += 1) predictions.push(write(row));
  return `{"predictions":[${predictions.join(",")}]}`;
}

function isOneRow({ inputs }: Model): boolean {
  if (inputs.length === 1) return (inputs[0]?.shape.length ?? 0) > 0;
  return inputs.every(
    ({ shape }) => shape[0] === -1 && (shape.length === 1 || (shape.length === 2 && shape[1] === 1)),
  );
}

function readColumn(port: Port, values: readonly unknown[], column: number, { inputs }: Model): Tensor {
  const own = values.filter((_, index) => index % inputs.length === column);
  const dims = port.shape.length === 1 ? [own.length] : [own.length, 1];
  return readTensor(port.datatype, own, dims, `features, ${port.name}: `);
}

function describe({ inputs }: Model, wanted: readonly number[]): string {
  const types = [...new Set(inputs.map(({ datatype }) => datatype.protocol))].join(", ");
  const lengths = wanted.map((length) => (length === -1 ? "any number" : length)).join(" x ");
  return `features must be a row of ${lengths || "one"} (${types}), or an array of such rows`;
}
