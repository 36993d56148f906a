// YAML files of other tools, which the sources of a job bring: read as strictly as the project file.
import { SestaError } from "../base/errors.ts";
import type { Located } from "./located.ts";
import { parseYaml } from "./parse-yaml.ts";

const maxCharacters = 200_000;

/**
 * @param where how the file is named to people
 * @throws SestaError PROJECT_INVALID with line and column
 */
export function readYamlFile(text: string, where: string): Located {
  if (text.length > maxCharacters)
    throw new SestaError("PROJECT_INVALID", "the file is too large for what it should be", { where });
  const { root, findings, locate } = parseYaml(text);
  if (root && findings.length === 0) return root;
  throw new SestaError("PROJECT_INVALID", "the file cannot be read", {
    where,
    problems: findings.map(({ at, message }) => {
      const { line, column } = locate(at);
      return `${line}:${column}: ${message}`;
    }),
  });
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
