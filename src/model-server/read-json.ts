// JSON of a request: undefined where it is none, and integers beyond 2^53 whole where the model takes such.
import type { Model } from "./model.ts";

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;
// The third operand is of ES2026; the types do not know it yet.
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown;

export function readJson(text: string, { inputs }: Model): unknown {
  const isWide = inputs.some(({ datatype }) => /^U?INT64$/.test(datatype.protocol));
  try {
    return isWide && /\d{16}/.test(text) ? parseWithSource(text, keepWide) : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const keepWide: Reviver = (_key, value, { source = "" }) =>
  typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
    ? BigInt(source)
    : value;
