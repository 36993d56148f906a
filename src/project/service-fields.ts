// The values of a service's section that no other section has.
import { findDurationMs, formatDuration } from "../model/duration.ts";
import type { HealthRule } from "../model/launch.ts";
import { field, Refusal, type About } from "./fields.ts";
import { findUnknownKey } from "./job-fields.ts";

export const defaultHealth: HealthRule = {
  path: "/health",
  startMs: 60_000,
  everyMs: 2_000,
  timeoutMs: 2_000,
  failures: 3,
};

/** A path of its own, or a mapping with timings. */
export function health(about: About) {
  return field(
    (input: unknown): HealthRule | Refusal => {
      if (typeof input === "string") return resolveHealth({ path: input });
      if (typeof input !== "object" || input === null || Array.isArray(input))
        return new Refusal("a path like /health, or a mapping like { path: /health, start: 3m }");
      const unknown = findUnknownKey(input, ["path", "start", "every", "timeout", "failures"]);
      return unknown ?? resolveHealth(input as Record<string, unknown>);
    },
    { shown: "URL path or mapping", ...about },
  );
}

/** Where the balancer answers itself; null where it passes everything on. */
export function metricsPath(about: About) {
  return field(
    (input: unknown): string | null | Refusal => {
      if (input === "none") return null;
      return isUrlPath(input) && input !== "/" ? input : new Refusal("a path like /metrics, or none");
    },
    { type: "string", shown: "URL path or `none`", ...about },
  );
}

const domainForm = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

/** A name of the DNS with a dot, in lower case, that is no address. */
export function domain(about: About) {
  return field(
    (input: unknown): string | Refusal => {
      const name = typeof input === "string" ? input.toLowerCase() : "";
      return domainForm.test(name) ? name : new Refusal("a domain like iris.example.org");
    },
    { type: "string", shown: "domain", ...about },
  );
}

/** The address of an ACME directory. */
export function directory(about: About) {
  return field(
    (input: unknown): string | Refusal =>
      typeof input === "string" && URL.canParse(input) && new URL(input).protocol === "https:"
        ? input
        : new Refusal("an address like https://ca.example.org/directory"),
    { type: "string", shown: "https address", ...about },
  );
}

export function email(about: About) {
  return field(
    (input: unknown): string | Refusal =>
      typeof input === "string" && /^[^\s@]{1,64}@[^\s@]{1,190}$/.test(input)
        ? input
        : new Refusal("an address like ops@example.org"),
    { type: "string", shown: "email address", ...about },
  );
}

function resolveHealth(given: Record<string, unknown>): HealthRule | Refusal {
  const { path = defaultHealth.path, failures = defaultHealth.failures } = given;
  if (!isUrlPath(path)) return new Refusal("path: a path like /health");
  if (!Number.isInteger(failures) || Number(failures) < 1 || Number(failures) > 100)
    return new Refusal("failures: a whole number from 1 to 100");
  const startMs = readTime(given, "start", defaultHealth.startMs, 3_600_000);
  const everyMs = readTime(given, "every", defaultHealth.everyMs, 600_000);
  const timeoutMs = readTime(given, "timeout", defaultHealth.timeoutMs, 600_000);
  const refused = [startMs, everyMs, timeoutMs].find((value) => value instanceof Refusal);
  if (refused) return refused;
  return {
    path,
    startMs: Number(startMs),
    everyMs: Number(everyMs),
    timeoutMs: Number(timeoutMs),
    failures: Number(failures),
  };
}

const shortestMs = 100;

function readTime(
  given: Record<string, unknown>,
  key: string,
  otherwiseMs: number,
  longestMs: number,
): number | Refusal {
  const text = given[key];
  if (text === undefined) return otherwiseMs;
  const ms = typeof text === "string" ? (findDurationMs(text) ?? -1) : -1;
  if (ms >= shortestMs && ms <= longestMs) return ms;
  return new Refusal(`${key}: a duration like 10s, at most ${formatDuration(longestMs)}`);
}

function isUrlPath(input: unknown): input is string {
  return typeof input === "string" && /^\/[!-~]{0,500}$/.test(input) && !/[#\\]/.test(input);
}
