// Flags that every verb takes, and the short ways to declare those that some take.
import { findSizeBytes } from "../model/size.ts";

export const commonFlags = {
  directory: {
    kind: "parsed",
    parse: String,
    optional: true,
    brief: "The project's folder; otherwise this one, or the nearest above with a sesta.yaml",
    placeholder: "DIR",
  },
  json: {
    kind: "boolean",
    optional: true,
    brief: "One JSON document on stdout, nothing else there",
    withNegated: false,
  },
  yes: { kind: "boolean", optional: true, brief: "Answer yes to what the verb asks", withNegated: false },
} as const;

/** For verbs that ask nothing: they take `-y` like every verb, without a line about it. */
export const quietFlags = { ...commonFlags, yes: { ...commonFlags.yes, hidden: true } } as const;

export const commonAliases = { C: "directory", y: "yes" } as const;

export function switchFlag(brief: string) {
  return { kind: "boolean", optional: true, brief, withNegated: false } as const;
}

export function textFlag(brief: string, placeholder: string) {
  return { kind: "parsed", parse: String, optional: true, brief, placeholder } as const;
}

export function countFlag(byDefault: string, brief: string) {
  return { kind: "parsed", parse: parseCount, default: byDefault, brief, placeholder: "COUNT" } as const;
}

export function sizeFlag(brief: string) {
  return { kind: "parsed", parse: parseSize, optional: true, brief, placeholder: "SIZE" } as const;
}

export function one(brief: string, placeholder = "NAME") {
  return { kind: "tuple", parameters: [{ brief, parse: String, placeholder }] } as const;
}

export function maybeOne(brief: string, placeholder = "NAME") {
  return { kind: "tuple", parameters: [{ brief, parse: String, placeholder, optional: true }] } as const;
}

type Told = readonly [brief: string, placeholder: string];

export function oneAndMaybe([brief, placeholder]: Told, [second, shown]: Told) {
  return {
    kind: "tuple",
    parameters: [
      { brief, parse: String, placeholder },
      { brief: second, parse: String, placeholder: shown, optional: true },
    ],
  } as const;
}

export function many(brief: string, placeholder = "NAME") {
  return { kind: "array", parameter: { brief, parse: String, placeholder } } as const;
}

/** The line in the list of verbs, and the text of `--help`, which begins with it. */
export function helpOf(brief: string, text: string, ...examples: readonly string[]) {
  return { brief, fullDescription: `${brief}. ${formatExamples(text, examples)}` };
}

function formatExamples(text: string, examples: readonly string[]): string {
  return `${text}\n\nExamples:\n${examples.map((example) => `  $ sesta ${example}`).join("\n")}`;
}

/** @returns bytes */
function parseSize(text: string): number {
  const bytes = findSizeBytes(text);
  if (bytes !== undefined) return bytes;
  throw new SyntaxError(`expected a size like 50GB, got "${text}"`);
}

function parseCount(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new SyntaxError(`expected a whole number, got "${text}"`);
}
