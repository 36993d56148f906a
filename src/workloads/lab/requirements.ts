// Reads the requirements file that a lab names: its lines are taken out of it, so none may point at another file.
import { SestaError } from "../../base/errors.ts";

const pointsElsewhere = /^(?:-[rce]|--(?:requirement|constraint|editable)\b)/;
const relativePath = /^\.{1,2}(?:\/|$)|@\s*(?:file:)?\.{1,2}\/|^(?:-f|--find-links)[\s=]+\.{1,2}\//;
const credentials = /:\/\/(?!\$\{)[^/\s@]*:(?!\$\{)[^/\s@]*@/;

/**
 * Requirements and index options, one each, without comments; continued lines are joined.
 * @throws SestaError PROJECT_INVALID for lines that name another file, or hold a password
 */
export function parseRequirements(text: string, where?: string): string[] {
  const lines = text
    .replace(/\\\r?\n/g, " ")
    .split(/\r?\n/)
    .map((line) => line.replace(/(?:^|\s)#.*$/, "").trim())
    .filter((line) => line !== "");
  const problems = lines.flatMap(findProblem);
  if (problems.length === 0) return lines;
  throw new SestaError("PROJECT_INVALID", "the requirements file cannot be used as it is", {
    problems,
    where,
    hint: "Write the packages themselves; keep the index and its password in uv.toml or UV_DEFAULT_INDEX.",
  });
}

function findProblem(line: string): string[] {
  if (credentials.test(line)) return [`a URL holds a password: ${line.replace(credentials, "://…@")}`];
  if (pointsElsewhere.test(line) || relativePath.test(line)) return [`points at another file: ${line}`];
  return [];
}
