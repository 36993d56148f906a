// The values of pipelines and registries that no other section has.
import { isDecimal } from "../model/decimal.ts";
import { findEnvText, findSecretName } from "../model/secret.ts";
import type { JobPython } from "../model/project.ts";
import type { StageValue } from "../model/pipeline.ts";
import { z } from "zod";
import { field, isLine, pythonVersions, Refusal, type About } from "./fields.ts";
import { checkPipPython } from "./job-fields.ts";
import { findInnerPath } from "./inner-path.ts";
import { workloadNamePattern } from "./names.ts";
import { oneOf } from "./wording.ts";

/** Names of other parts of the file: of stages, services, registries. */
export function partName(expected: string, about: About) {
  const check = (input: unknown): string | Refusal =>
    typeof input === "string" && workloadNamePattern.test(input) ? input : new Refusal(expected);
  return field(check, { type: "string", shown: "name", ...about });
}

/** As a job's, or a version alone. */
export function stagePython(about: About) {
  const check = (input: unknown): JobPython | Refusal => {
    const version = pythonVersions.find((one) => one === String(input));
    if (version !== undefined) return { packages: [], version };
    if (typeof input === "number")
      return new Refusal(
        `one of "${pythonVersions.join('", "')}", a requirements file, or a list of packages`,
        input === 3.1 ? 'YAML reads 3.10 as 3.1: write python: "3.10"' : "",
      );
    return checkPipPython(input);
  };
  return field(check, { shown: "version, path, list of packages, or mapping", ...about });
}

export function stageEnv(about: About) {
  const value = field(
    (input: unknown): StageValue | Refusal => {
      if (typeof input === "number" || typeof input === "boolean") return { text: String(input) };
      if (typeof input !== "string" || input.includes("\0"))
        return new Refusal("text, a number, true or false");
      const secret = findSecretName(input);
      if (secret !== undefined) return { secret };
      const parts = findEnvText(input);
      if (parts === undefined)
        return new Refusal("text with references like ${env.GITHUB_SHA}, or ${secret.token} alone");
      return parts.some((part) => typeof part !== "string") ? { parts } : { text: input };
    },
    { shown: "text, `${env.NAME}` or `${secret.NAME}`", description: "Text, or a reference." },
  );
  return z.record(z.string(), value).meta(about);
}

/** One pattern of paths, or a list of them. */
export function reportPatterns(about: About) {
  const check = (input: unknown): string[] | Refusal => {
    const list: unknown[] = Array.isArray(input) ? input : [input];
    const found = list.map((one) => (typeof one === "string" ? findInnerPath(one) : undefined));
    const good = found.filter((one) => one !== undefined && one !== ".");
    return good.length === list.length && list.length > 0 && list.length <= 100
      ? good.filter((one) => one !== undefined)
      : new Refusal("the path of a report like report.xml, or a list of them");
  };
  return field(check, { shown: "pattern or list of patterns", ...about });
}

/** Where an image goes: a registry's name, or an address with a repository. */
export function pushTargets(about: About) {
  const check = (input: unknown): string[] | Refusal => {
    const list: unknown[] = Array.isArray(input) ? input : [input];
    const good = list.filter((one) => typeof one === "string" && isPushTarget(one));
    return good.length === list.length && list.length > 0 && list.length <= 20
      ? (good as string[])
      : new Refusal("a registry's name, or an image like docker.io/acme/iris, or a list of them");
  };
  return field(check, { shown: "name, image, or list of them", ...about });
}

const imageReference =
  /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$/;

function isPushTarget(text: string): boolean {
  return text.length <= 255 && (workloadNamePattern.test(text) || imageReference.test(text));
}

/** Decimal text; quotes keep digits that a number of YAML would lose. */
export function bound(about: About) {
  const check = (input: unknown): string | Refusal => {
    const text = typeof input === "number" ? String(input) : input;
    return typeof text === "string" && isDecimal(text) ? text : new Refusal("a number like 0.9");
  };
  return field(check, { shown: "number", ...about });
}

/** A regular expression with one group. */
export function onePattern(about: About) {
  const expected = "a regular expression with one group, like accuracy: ([0-9.]+)";
  const check = (input: unknown): string | Refusal => {
    if (typeof input !== "string" || input === "" || input.length > 1_000) return new Refusal(expected);
    const groups = countGroups(input);
    if (typeof groups === "string") return new Refusal(expected, groups);
    return groups === 1
      ? input
      : new Refusal(expected, groups === 0 ? "it has no group" : `it has ${groups} groups; (?:…) is none`);
  };
  return field(check, { type: "string", shown: "regular expression", ...about });
}

function countGroups(pattern: string): number | string {
  try {
    return (new RegExp(`${pattern}|`).exec("")?.length ?? 1) - 1;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export function line(expected: string, pattern: RegExp, about: About) {
  const check = (input: unknown): string | Refusal => {
    const text = typeof input === "number" ? String(input) : input;
    return isLine(text) && pattern.test(text) ? text : new Refusal(expected);
  };
  return field(check, { type: "string", pattern: pattern.source, shown: "text", ...about });
}

/** One of a few words. */
export function word<const Word extends string>(words: readonly Word[], about: About) {
  const check = (input: unknown): Word | Refusal =>
    words.find((one) => one === input) ?? new Refusal(oneOf(words));
  return field(check, { enum: words, shown: words.map((one) => `\`${one}\``).join(" or "), ...about });
}
