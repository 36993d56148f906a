// A figure out of what a stage printed or wrote, and whether it is good enough: digit by digit, never through a float.
import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { compareDecimals, isDecimal } from "../model/decimal.ts";
import type { Figure, MetricSection } from "../model/pipeline.ts";
import { matchFiles } from "./match-files.ts";

export type Judged = { figure: Figure; why: string | null };

/** Looks at lines of standard output as they come; the last match counts. */
export function createPatternReader({ from }: MetricSection): {
  line(text: string): void;
  value(): string | undefined;
} {
  if (!("pattern" in from)) return { line: () => undefined, value: () => undefined };
  const pattern = new RegExp(from.pattern, "g");
  let last: string | undefined;
  return {
    line: (text) => {
      for (const match of text.matchAll(pattern)) last = match[1] ?? last;
    },
    value: () => last,
  };
}

/** @param printed what the pattern found @param tree the stage's folder */
export async function judgeMetric(
  stage: string,
  metric: MetricSection,
  printed: string | undefined,
  tree: string,
): Promise<Judged> {
  const { name, from, min, max } = metric;
  const figure: Figure = { stage, name, value: null, min, max, passed: false };
  const found = "pattern" in from ? findPrinted(from.pattern, printed) : await readJson(tree, from);
  if ("problem" in found) return { figure, why: `${name}: ${found.problem}` };
  const { text } = found;
  if (!isDecimal(text)) return { figure, why: `${name} is ${show(text)}; expected a number like 0.9` };
  const value = text.replace(/^\+/, "");
  if (min !== null && compareDecimals(value, min) < 0)
    return { figure: { ...figure, value }, why: `${name} ${value} is less than ${min}` };
  if (max !== null && compareDecimals(value, max) > 0)
    return { figure: { ...figure, value }, why: `${name} ${value} is more than ${max}` };
  return { figure: { ...figure, value, passed: true }, why: null };
}

type Found = { text: string } | { problem: string };

function findPrinted(pattern: string, printed: string | undefined): Found {
  return printed === undefined
    ? { problem: `no line of its output matches ${show(pattern)}, so the figure is missing` }
    : { text: printed };
}

const mostBytes = 10_000_000;

async function readJson(tree: string, { json, key }: { json: string; key: string }): Promise<Found> {
  const path = (await matchFiles(tree, [json])).files.find((one) => one === json); // reached by no link
  const found = path === undefined ? undefined : await lstat(join(tree, path));
  if (path === undefined || !found?.isFile())
    return { problem: `the stage wrote no ${json}, so the figure is missing` };
  if (found.size > mostBytes) return { problem: `${json} is larger than 10 MB` };
  try {
    const value = pick(parseExact(await readFile(join(tree, path), "utf8")), key);
    if (value === undefined) return { problem: `${json} has no ${show(key)}, so the figure is missing` };
    return value instanceof Exact
      ? { text: value.source }
      : { problem: `${show(key)} in ${json} is no number` };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { problem: `${json} is no JSON: ${words}; NaN and Infinity are none` };
  }
}

/** A number of JSON with all its digits. */
class Exact {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

/** ECMAScript gives a reviver the text of each primitive (JSON.parse source text access). */
type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

function parseExact(text: string): unknown {
  const revive: Reviver = (_key, value, { source }) =>
    typeof value === "number" ? new Exact(source ?? String(value)) : value;
  return JSON.parse(text, revive as (this: unknown, key: string, value: unknown) => unknown) as unknown;
}

/** The whole key first: a figure may have a dot in its name. */
function pick(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Object.hasOwn(value, key)) return (value as Record<string, unknown>)[key];
  const dot = key.indexOf(".");
  if (dot < 0 || !Object.hasOwn(value, key.slice(0, dot))) return undefined;
  return pick((value as Record<string, unknown>)[key.slice(0, dot)], key.slice(dot + 1));
}

function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
