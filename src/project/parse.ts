// The bytes of sesta.yaml to a project, or every problem in them at once.
import { resolve } from "node:path";
import { SestaError } from "../base/errors.ts";
import { projectFileName } from "../model/project.ts";
import type { Project } from "../model/project.ts";
import { buildJobFileClaims, findFileProblems } from "./check-files.ts";
import type { FileClaim } from "./check-files.ts";
import { checkNames } from "./check-names.ts";
import { checkReferences, findLabs } from "./check-references.ts";
import { decodeUtf8 } from "./decode.ts";
import { explainIssue } from "./explain-issue.ts";
import { findInnerPath } from "./inner-path.ts";
import { findLocated, getOffset } from "./located.ts";
import type { Finding, Located } from "./located.ts";
import { parseYaml } from "./parse-yaml.ts";
import type { Parsed } from "./parse-yaml.ts";
import { resolveProject } from "./resolve.ts";
import { emptySections, projectSchema } from "./schema.ts";

const maxProblems = 100;
const help = "`sesta init lab -C FOLDER` writes an example with the usual keys.";

/**
 * Checks the content, and that the files which it names exist.
 * @throws SestaError PROJECT_INVALID with `problems`, each `sesta.yaml:LINE:COL: message`
 */
export async function parseProject(bytes: Uint8Array, folder: string): Promise<Project> {
  const absolute = resolve(folder);
  const decoded = decodeUtf8(bytes);
  if ("problem" in decoded) throw invalid(absolute, [print(decoded, decoded.problem)]);
  const { root, findings, locate } = parseYaml(decoded.text);
  if (!root) throw invalid(absolute, printAll(findings, locate));
  if (root.value === null && findings.length === 0) {
    const empty = { at: 0, message: "the file is empty; it needs at least `name:`" };
    throw invalid(absolute, printAll([empty], locate), help);
  }

  const file = projectSchema.safeParse(withoutEmptySections(root.value));
  const jobClaims = file.success ? buildJobFileClaims(resolveProject(file.data, absolute)) : [];
  findings.push(
    ...(file.error?.issues ?? []).flatMap((issue) => explainIssue(issue, root)),
    ...checkNames(root),
    ...checkReferences(root, absolute),
    ...(await checkFiles(root, absolute, jobClaims)),
  );
  if (findings.length > 0 || !file.success) throw invalid(absolute, printAll(findings, locate), help);
  return resolveProject(file.data, absolute);
}

function withoutEmptySections(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([key, section]) => section !== null || !emptySections.includes(key)),
  );
}

/** From the text as it stands, so that they show beside other problems; of jobs once the rest of them is right. */
async function checkFiles(
  root: Located,
  folder: string,
  jobClaims: readonly FileClaim[],
): Promise<Finding[]> {
  const claims = findLabs(root).flatMap((name) =>
    (["requirements", "workspace"] as const).flatMap((key): FileClaim[] => {
      const path = ["workloads", name, key];
      const text = findLocated(root, path)?.value ?? (key === "workspace" ? name : undefined);
      const file = typeof text === "string" ? findInnerPath(text) : undefined;
      const kind = key === "workspace" ? "workspace" : "file";
      return file === undefined || file === "." ? [] : [{ path, kind, file }];
    }),
  );
  return (await findFileProblems(folder, [...claims, ...jobClaims])).map(({ path, message }) => ({
    at: getOffset(root, path),
    message,
  }));
}

function printAll(findings: readonly Finding[], locate: Parsed["locate"]): string[] {
  const sorted = findings.toSorted((a, b) => a.at - b.at);
  const lines = [...new Set(sorted.map(({ at, message }) => print(locate(at), message)))];
  const more = lines.length - maxProblems;
  return more > 0 ? [...lines.slice(0, maxProblems), `… and ${more} more problems`] : lines;
}

function print({ line, column }: { line: number; column: number }, message: string): string {
  return `${projectFileName}:${line}:${column}: ${message}`;
}

/** Where the text cannot be read at all, an example of the keys is no help. */
function invalid(folder: string, problems: readonly string[], hint?: string): SestaError {
  const count = problems.length === 1 ? "a problem" : "problems";
  return new SestaError("PROJECT_INVALID", `${projectFileName} has ${count}`, {
    where: folder,
    problems,
    ...(hint !== undefined && { hint }),
  });
}
