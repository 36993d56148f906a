// An MLproject file, as MLflow's documentation and its `_project_spec.py` have it.
import { SestaError } from "../base/errors.ts";
import type { EntryParameter, EntryPoint, MlProject } from "../model/mlproject.ts";
import { isMapping, readYamlFile } from "./foreign-yaml.ts";
import { findLocated, type Located } from "./located.ts";
import { quote } from "./wording.ts";

const kinds = ["string", "float", "path", "uri"] as const;
const environments = ["conda_env", "python_env"] as const;

/**
 * @param where how the file is named to people
 * @throws SestaError PROJECT_INVALID with every problem in it
 */
export function parseMlproject(text: string, where: string): MlProject {
  const root = readYamlFile(text, where);
  if (root.value !== null && !isMapping(root.value)) throw refuse(where, ["expected a mapping"]);
  const problems: string[] = [];
  const files = environments.flatMap((kind) => {
    const file = findLocated(root, [kind])?.value ?? undefined;
    if (file === undefined) return [];
    if (typeof file === "string") return [{ kind, file }];
    problems.push(`${kind}: expected the path of a file`);
    return [];
  });
  const docker = (findLocated(root, ["docker_env"])?.value ?? undefined) !== undefined;
  if (files.length + (docker ? 1 : 0) > 1)
    problems.push("expected one of conda_env, python_env and docker_env at most");
  if (root.children.has("databricks_spark_job"))
    problems.push("databricks_spark_job: runs on Databricks only");
  const odd = listNames(root).filter((name) => /\p{C}/u.test(name));
  problems.push(...odd.map((name) => `a name cannot hold ${quote(name)}`));
  const entries = readEntries(findLocated(root, ["entry_points"]), problems);
  if (problems.length > 0) throw refuse(where, problems);
  const [environment] = files;
  return { entries, docker, ...(environment && { environment }) };
}

function readEntries(at: Located | undefined, problems: string[]): Record<string, EntryPoint> {
  if (at === undefined || at.value === null) return {};
  if (!isMapping(at.value)) problems.push("entry_points: expected a mapping of names");
  const entries = [...at.children].flatMap(([name, entry]): [string, EntryPoint][] => {
    const command = entry.children.get("command")?.value;
    if (typeof command !== "string" || command.trim() === "" || command.includes("\0")) {
      problems.push(`entry_points.${shown(name)}: its \`command\` is missing, or no text`);
      return [];
    }
    const parameters = readParameters(
      entry.children.get("parameters"),
      `entry_points.${shown(name)}`,
      problems,
    );
    return [[String(name), { command, parameters }]];
  });
  return Object.fromEntries(entries);
}

function readParameters(
  at: Located | undefined,
  place: string,
  problems: string[],
): Record<string, EntryParameter> {
  if (at === undefined || at.value === null) return {};
  if (!isMapping(at.value)) problems.push(`${place}.parameters: expected a mapping of names`);
  const found = [...at.children].map(([name, parameter]): [string, EntryParameter] => {
    const isShort = typeof parameter.value === "string"; // `data: path`
    const kind = isShort ? parameter.value : (parameter.children.get("type")?.value ?? "string");
    const type = kinds.find((one) => one === kind);
    if (type === undefined || (!isShort && !isMapping(parameter.value))) {
      const got = type === undefined && typeof kind === "string" ? `, got ${quote(kind)}` : "";
      problems.push(
        `${place}.parameters.${shown(name)}: expected a type of string, float, path or uri${got}`,
      );
    }
    const given = parameter.children.get("default");
    const value = textOf(given);
    if (typeof given?.value === "object" && given.value !== null)
      problems.push(
        `${place}.parameters.${shown(name)}: expected text, a number, true or false as its default`,
      );
    return [String(name), { type: type ?? "string", ...(value !== undefined && { value }) }];
  });
  return Object.fromEntries(found);
}

function shown(name: string | number): string {
  return quote(String(name)).slice(1, -1);
}

/** Of all mappings: they are shown to people. */
function listNames({ value, children }: Located): string[] {
  if (Array.isArray(value)) return [];
  return [...children].flatMap(([name, child]) => [String(name), ...listNames(child)]);
}

/** As Python prints it; a number as it is written. A `default` of nothing is none. */
function textOf(at: Located | undefined): string | undefined {
  if (at === undefined || at.value === null) return undefined;
  if (typeof at.value === "boolean") return at.value ? "True" : "False";
  if (typeof at.value === "string") return at.value;
  return at.source ?? String(at.value);
}

function refuse(where: string, problems: readonly string[]): SestaError {
  return new SestaError("PROJECT_INVALID", "the MLproject file cannot be used as it is", { where, problems });
}
