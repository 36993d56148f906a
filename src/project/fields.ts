// The single values of the project file: each a check in words of its own, and what editors show about it.
import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import { durationPattern, findDurationMs, formatDuration } from "../model/duration.ts";
import { envNamePattern, findEnvText, findSecretName, secretReferencePattern } from "../model/secret.ts";
import { findInnerPath } from "./inner-path.ts";
import { projectNameProblem, workloadNamePattern } from "./names.ts";
import { packageProblem } from "./package-spec.ts";

/** What editors and the reference page say about a value, beside its JSON Schema. */
export type About = {
  type?: "string" | "integer" | "boolean";
  pattern?: string;
  enum?: readonly (string | number)[];
  minimum?: number;
  maximum?: number;
  title?: string;
  description?: string;
  examples?: readonly unknown[];
  default?: unknown;
  /** How the reference page names the type. */
  shown?: string;
};

/** A refusal: what was expected, and what may help. The message builder adds what was found. */
export class Refusal {
  readonly expected: string;
  readonly help: string;
  constructor(expected: string, help = "") {
    this.expected = expected;
    this.help = help;
  }
}

/** A value whose check says in words what it wants. */
export function field<T>(check: (input: unknown) => T | Refusal, about: About) {
  return z
    .unknown()
    .transform((input, context): T => {
      const result = check(input);
      if (!(result instanceof Refusal)) return result;
      context.issues.push({ code: "custom", input, message: "refused", params: { refusal: result } });
      return z.NEVER;
    })
    .meta(about);
}

export const yearMs = 365 * 86_400_000;

export function duration(options: { minimumMs: number; never: boolean }, about: About) {
  const expected = `a duration like 40m${options.never ? ", or never" : ""}`;
  const check = (input: unknown): number | null | Refusal => {
    if (options.never && input === "never") return null;
    if (typeof input === "number") return new Refusal(expected, "its unit is missing: s, m, h or d");
    const ms = typeof input === "string" ? findDurationMs(input) : undefined;
    if (ms === undefined) return new Refusal(expected);
    if (ms < options.minimumMs) return new Refusal(`at least ${formatDuration(options.minimumMs)}`);
    return ms > yearMs ? new Refusal("at most 365d") : ms;
  };
  const pattern = options.never ? `^never$|${durationPattern.source}` : durationPattern.source;
  const shown = `duration${options.never ? " or `never`" : ""}`;
  return field(check, { type: "string", pattern, shown, ...about });
}

export function projectName(about: About) {
  const check = (input: unknown): string | Refusal => {
    const expected = typeof input === "string" ? projectNameProblem(input) : "a name like vision-team";
    return expected !== undefined || typeof input !== "string" ? new Refusal(expected ?? "a name") : input;
  };
  return field(check, { type: "string", shown: "name", ...about });
}

/** A path that stays inside the project's folder; normalised, without a slash at its end. */
export function innerPath(expected: string, about: About) {
  const check = (input: unknown): string | Refusal => {
    if (typeof input !== "string" || input.trim() === "") return new Refusal(expected);
    if (input.includes("${")) return new Refusal(expected, "${…} is not read here");
    return findInnerPath(input) ?? new Refusal(`${expected}, inside the project's folder`);
  };
  return field(check, { type: "string", shown: "path", ...about });
}

export function targetName(about: About) {
  const check = (input: unknown): string | Refusal =>
    typeof input === "string" && workloadNamePattern.test(input)
      ? input
      : new Refusal("the name of a target, like local");
  return field(check, { type: "string", shown: "target", ...about });
}

export function workloadName(about: About) {
  const check = (input: unknown): string | Refusal =>
    typeof input === "string" && workloadNamePattern.test(input)
      ? input
      : new Refusal("the name of a workload, like tracking");
  return field(check, { type: "string", shown: "workload", ...about });
}

export function script(expected: string, about: About) {
  const check = (input: unknown): string | Refusal =>
    typeof input === "string" && input.trim() !== "" ? input : new Refusal(expected);
  return field(check, { type: "string", shown: "command", ...about });
}

export function port(about: About) {
  const check = (input: unknown): number | Refusal =>
    typeof input === "number" && Number.isInteger(input) && input >= 1 && input <= 65_535
      ? input
      : new Refusal("a port from 1 to 65535");
  return field(check, { type: "integer", minimum: 1, maximum: 65_535, shown: "port", ...about });
}

export function flag(about: About) {
  const check = (input: unknown): boolean | Refusal =>
    typeof input === "boolean" ? input : new Refusal("true or false");
  return field(check, { type: "boolean", shown: "true or false", ...about });
}

export function address(about: About) {
  const check = (input: unknown): string | Refusal =>
    typeof input === "string" && (input === "localhost" || isIPv4(input) || isIPv6(input))
      ? input
      : new Refusal("an IP address like 127.0.0.1, or localhost");
  return field(check, { type: "string", shown: "IP address", ...about });
}

/** The secret's name out of `${secret.NAME}`. */
export function secretReference(about: About) {
  const check = (input: unknown): string | Refusal =>
    (typeof input === "string" ? findSecretName(input) : undefined) ??
    new Refusal(
      "a reference like ${secret.team_pass}",
      "name the secret under `secrets:`; its value never stands in this file",
    );
  return field(check, {
    type: "string",
    pattern: secretReferencePattern.source,
    shown: "`${secret.NAME}`",
    ...about,
  });
}

export function envName(about: About) {
  const check = (input: unknown): string | Refusal =>
    typeof input === "string" && envNamePattern.test(input)
      ? input
      : new Refusal("the name of an environment variable, like TEAM_PASS");
  return field(check, { type: "string", pattern: envNamePattern.source, shown: "variable name", ...about });
}

/** A path with `${env.X}` in it: the one place where they are read. */
export function envPath(about: About) {
  const expected = "a path like ~/.config/team-pass; it may contain ${env.NAME}";
  const check = (input: unknown) => (isLine(input) ? findEnvText(input) : undefined) ?? new Refusal(expected);
  return field(check, { type: "string", shown: "path", ...about });
}

export function requirement(about: About) {
  const check = (input: unknown): string | Refusal => {
    const problem =
      typeof input === "string"
        ? packageProblem(input)
        : { expected: "a package like pandas or scikit-learn==1.5" };
    if (problem) return new Refusal(problem.expected, problem.help);
    return typeof input === "string" ? input.trim() : new Refusal("a package");
  };
  return field(check, { type: "string", shown: "package", ...about });
}

export const pythonVersions = ["3.10", "3.11", "3.12", "3.13", "3.14"] as const;

export function pythonVersion(about: About) {
  const check = (input: unknown): string | Refusal => {
    const found = pythonVersions.find((version) => version === String(input));
    if (found !== undefined) return found;
    const help = input === 3.1 ? 'YAML reads 3.10 as 3.1: write python: "3.10"' : "";
    return new Refusal(`one of "${pythonVersions.join('", "')}"`, help);
  };
  const numbers = pythonVersions.map(Number).filter((version) => version !== 3.1);
  return field(check, { enum: [...pythonVersions, ...numbers], shown: "Python version", ...about });
}

export function isLine(input: unknown): input is string {
  return (
    typeof input === "string" &&
    input.trim() !== "" &&
    input.length <= 1024 &&
    // oxlint-disable-next-line no-control-regex
    !/[\u0000-\u001f\u007f]/.test(input)
  );
}
