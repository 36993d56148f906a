// An environment file of conda: what uv can have of it, and what it cannot, by name.
import { SestaError } from "../base/errors.ts";
import { translateSpec } from "./conda-spec.ts";
import { isMapping, readYamlFile } from "./foreign-yaml.ts";
import { quote } from "./wording.ts";

export type FileEnvironment = {
  /** A version, or a range of them; undefined for any. */
  python: string | undefined;
  /** Requirements, and `-r FILE` lines, as pip reads them. */
  requirements: readonly string[];
  /** What cannot be had, one phrase each. */
  left: readonly string[];
};

const forCondaAlone = ["name", "channels", "prefix"];

/**
 * @param where how the file is named to people
 * @throws SestaError PROJECT_INVALID for what is no such file, or where nothing of it can be had
 */
export function parseCondaFile(text: string, where: string): FileEnvironment {
  const { value } = readYamlFile(text, where);
  const entries = isMapping(value) ? value["dependencies"] : undefined;
  if (!isMapping(value) || !Array.isArray(entries))
    throw refuse(where, ["expected a list of `dependencies`, as in a conda environment file"]);
  const problems: string[] = [];
  const requirements: string[] = [];
  const left: string[] = [];
  let python: string | undefined;
  for (const entry of entries as unknown[]) {
    const pip = isMapping(entry) ? entry["pip"] : undefined;
    if (typeof entry === "string") take(entry);
    else if (isMapping(entry) && Object.keys(entry).length === 1 && isTexts(pip)) requirements.push(...pip);
    else problems.push(`expected a package like numpy=1.26, or pip: with a list, got ${nameOf(entry)}`);
  }
  left.push(...Object.keys(value).filter(isLeft).map(nameKey));
  if (problems.length > 0) throw refuse(where, problems);
  if (left.length > 0 && requirements.length === 0 && python === undefined)
    throw refuse(where, [`nothing of it can be had from PyPI: ${left.join(", ")}`]);
  return { python, requirements, left };

  function take(entry: string): void {
    const found = translateSpec(entry);
    if (found.kind === "left") left.push(found.why);
    else if (found.kind === "python") python = found.version;
    else {
      requirements.push(found.requirement);
      if (found.lost !== undefined) left.push(found.lost);
    }
  }
}

/** MLflow's own file: `python`, `build_dependencies` and `dependencies`, in pip's words. @throws SestaError PROJECT_INVALID */
export function parsePythonEnv(text: string, where: string): FileEnvironment {
  const file = readYamlFile(text, where);
  const value = file.value ?? {};
  if (!isMapping(value)) throw refuse(where, ["expected `python` and `dependencies`, as MLflow writes them"]);
  const version = file.children.get("python")?.source ?? value["python"] ?? undefined;
  const lists = [value["build_dependencies"] ?? [], value["dependencies"] ?? []];
  const odd = Object.keys(value).filter(
    (key) => !["python", "build_dependencies", "dependencies"].includes(key),
  );
  const problems = [
    ...(version === undefined || /^\d+(?:\.\d+){0,2}$/.test(String(version))
      ? []
      : [`expected a version of Python like 3.12, got ${nameOf(version)}`]),
    ...(lists.every(isTexts) ? [] : ["expected lists of packages like numpy==2.3"]),
    ...odd.map((key) => `unknown key ${quote(key)}`),
  ];
  if (problems.length > 0) throw refuse(where, problems);
  return {
    python: version === undefined ? undefined : String(version),
    requirements: lists.flatMap((list) => (isTexts(list) ? list : [])),
    left: [],
  };
}

/** One sentence for people; undefined where all can be had. */
export function describeLeft({ left }: FileEnvironment, where: string): string | undefined {
  if (left.length === 0) return undefined;
  return `${where}: uv has PyPI alone, so left out is ${left.join(", ")}; where the program needs it, bring it with \`packages\`, \`setup\` or a \`container\``;
}

function isLeft(key: string): boolean {
  return key !== "dependencies" && !forCondaAlone.includes(key);
}

function nameKey(key: string): string {
  return key === "variables" ? "variables (they go under `env`)" : quote(key).slice(1, -1);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function nameOf(value: unknown): string {
  return isMapping(value) ? `${Object.keys(value).map(quote).join(", ")}:` : quote(String(value));
}

function refuse(where: string, problems: readonly string[]): SestaError {
  return new SestaError("PROJECT_INVALID", "the environment file cannot be used as it is", {
    where,
    problems,
    hint: "Correct it, or name the packages under `python` of the job.",
  });
}
