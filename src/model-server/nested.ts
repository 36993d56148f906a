// Nested arrays of JSON and flat tensor data: reading one into the other, with every length checked, and writing back.
import type { Tensor } from "./model.ts";
import type { Datatype } from "./datatype.ts";
import { Refusal } from "./refusal.ts";

/**
 * Row-major values of `value`, which is nested as `dims` say.
 * @param at what the client calls it, for the message
 * @throws Refusal
 */
export function flatten(value: unknown, dims: readonly number[], at: string): readonly unknown[] {
  const [length, ...rest] = dims;
  if (length === undefined) return [value];
  if (!Array.isArray(value) || value.length !== length) {
    const found = Array.isArray(value) ? `${value.length}` : "no array";
    throw new Refusal(400, `${at} must be an array of ${length}; got ${found}`);
  }
  return rest.length === 0 ? value : value.flatMap((one, index) => flatten(one, rest, `${at}[${index}]`));
}

/** @throws Refusal that names the first value that does not fit */
export function readTensor(
  datatype: Datatype,
  values: readonly unknown[],
  dims: readonly number[],
  at: string,
): Tensor {
  const data = datatype.read(values);
  if (typeof data !== "number") return { data, dims };
  throw new Refusal(400, `${at}${findPlace(data, dims)} must be ${datatype.wanted}`);
}

/** Lengths of nested arrays, as their first elements show them; no deeper than any tensor is. */
export function measure(value: unknown): number[] {
  const lengths: number[] = [];
  for (let inner = value; Array.isArray(inner) && lengths.length < 16; inner = inner[0])
    lengths.push(inner.length);
  return lengths;
}

/** Elements from `from` on as nested JSON; dimensions of 1 at the end are no arrays: `[n, 1]` is n numbers. */
export function writeNested(
  datatype: Datatype,
  { data }: Tensor,
  from: number,
  dims: readonly number[],
): string {
  const [length, ...rest] = dims;
  if (length === undefined || dims.every((one) => one === 1)) return datatype.write(data, from);
  const step = rest.reduce((product, one) => product * one, 1);
  const parts: string[] = [];
  for (let index = 0; index < length; index += 1)
    parts.push(writeNested(datatype, { data, dims: rest }, from + index * step, rest));
  return `[${parts.join(",")}]`;
}

function findPlace(index: number, dims: readonly number[]): string {
  let left = index;
  return dims
    .toReversed()
    .map((length) => {
      const place = `[${left % length}]`;
      left = Math.floor(left / length);
      return place;
    })
    .toReversed()
    .join("");
}
