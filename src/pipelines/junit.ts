// JUnit reports as one summary. Files come from the stage's own programs, and may be anything.
import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SaxesParser } from "saxes";
import { messageOf } from "../base/errors.ts";
import { redact } from "../base/redact.ts";
import type { TestSummary } from "../model/pipeline.ts";
import { matchFiles } from "./match-files.ts";

const mostBytes = 20_000_000;
const mostNames = 20;
const nameLength = 200;

export type Reports = { tests: TestSummary | null; problems: string[] };

/** What cannot be read is said, and fails nothing: the exit code is the word on the tests. */
export async function readReports(tree: string, patterns: readonly string[]): Promise<Reports> {
  if (patterns.length === 0) return { tests: null, problems: [] };
  const { files, missing } = await matchFiles(tree, patterns);
  const problems = missing.map((pattern) => `no report matched ${pattern}`);
  const summaries: TestSummary[] = [];
  for (const path of files) {
    const found = await lstat(join(tree, path));
    if (!found.isFile()) continue;
    if (found.size > mostBytes) problems.push(`${path} is larger than 20 MB`);
    else
      try {
        summaries.push(parseReport(await readFile(join(tree, path), "utf8")));
      } catch (error) {
        problems.push(`${path} is no JUnit report: ${messageOf(error)}`);
      }
  }
  return { tests: summaries.length === 0 ? null : summaries.reduce(add), problems };
}

/** Counts test cases themselves: what suites say of their sums differs from tool to tool. */
export function parseReport(text: string): TestSummary {
  const summary = { tests: 0, failures: 0, errors: 0, skipped: 0, seconds: 0, failed: [] as string[] };
  let current: { name: string; outcome: "failures" | "errors" | "skipped" | undefined } | undefined;
  let isReport = false;
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    if (name === "testsuites" || name === "testsuite") isReport = true;
    else if (name === "testcase") {
      const { classname = "", name: own = "", time = "" } = attributes;
      current = {
        name: `${classname === "" ? "" : `${classname}.`}${own}`.slice(0, nameLength),
        outcome: undefined,
      };
      summary.tests += 1;
      summary.seconds += Number.isFinite(Number(time)) ? Math.max(0, Number(time)) : 0;
    } else if (current && name === "failure") current.outcome = "failures";
    else if (current && name === "error") current.outcome ??= "errors";
    else if (current && name === "skipped") current.outcome ??= "skipped";
  });
  parser.on("closetag", ({ name }) => {
    if (name !== "testcase" || !current) return;
    if (current.outcome) summary[current.outcome] += 1;
    if (current.outcome === "failures" || current.outcome === "errors") summary.failed.push(current.name);
    current = undefined;
  });
  parser.write(text).close();
  if (!isReport) throw new Error("it has no testsuite");
  return {
    ...summary,
    seconds: Math.round(summary.seconds * 1000) / 1000,
    failed: summary.failed.slice(0, mostNames).map(redact),
  };
}

function add(one: TestSummary, other: TestSummary): TestSummary {
  return {
    tests: one.tests + other.tests,
    failures: one.failures + other.failures,
    errors: one.errors + other.errors,
    skipped: one.skipped + other.skipped,
    seconds: Math.round((one.seconds + other.seconds) * 1000) / 1000,
    failed: [...one.failed, ...other.failed].slice(0, mostNames),
  };
}
