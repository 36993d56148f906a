// The command of an MLproject's entry point, filled in as MLflow fills it in.
import { SestaError } from "../../base/errors.ts";
import { quoteWord } from "../../commands/shell-words.ts";
import type { EntryParameter, EntryPoint, JobProject, MlProject } from "../../model/mlproject.ts";

/**
 * For `sh -c` in the run's folder. MLflow gives the command to bash; where there is none, sh reads it.
 * @param where how the MLproject file is named to people
 * @param given of the command line
 * @throws SestaError USAGE for parameters that are missing or wrong, PROJECT_INVALID for what cannot be filled in
 */
export function buildProjectScript(
  job: JobProject,
  project: MlProject,
  given: Readonly<Record<string, string>>,
  where: string,
): string {
  const entry = getEntry(project, job.entry, where);
  const wanted = { ...job.parameters, ...given };
  const missing = Object.entries(entry.parameters).flatMap(([name, { value }]) =>
    value === undefined && !Object.hasOwn(wanted, name) ? [name] : [],
  );
  if (missing.length > 0)
    throw new SestaError("USAGE", `${job.entry} needs a value for ${missing.join(", ")}`, {
      where,
      hint: `Write \`parameters: { ${missing[0]}: … }\` in the job, or -- -P ${missing[0]}=… on the command line.`,
    });
  const values = Object.entries(entry.parameters).map(([name, parameter]): [string, string] => {
    const value = (Object.hasOwn(wanted, name) ? wanted[name] : parameter.value) ?? "";
    const problem = valueProblem(parameter, value);
    if (problem !== undefined)
      throw new SestaError("USAGE", `${job.entry}: ${name} must be ${problem}, got ${shown(value)}`, {
        where,
      });
    return [name, quoteWord(value)];
  });
  const command = fill(entry.command, new Map(values), job.entry, where);
  const others = Object.entries(wanted).filter(([name]) => !Object.hasOwn(entry.parameters, name));
  const whole = [command, ...others.map(([name, value]) => `--${name} ${quoteWord(value)}`)].join(" ");
  const start = `exec "$(command -v bash || command -v sh)" -c ${quoteWord(whole)}`;
  return job.folder === "." ? start : `cd ${quoteWord(job.folder)} || exit\n${start}`;
}

/** MLflow runs any .py or .sh file too, without parameters of its own. @throws SestaError PROJECT_INVALID */
export function getEntry({ entries }: MlProject, name: string, where: string): EntryPoint {
  const found = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (found) return found;
  const program = name.endsWith(".py") ? "python" : name.endsWith(".sh") ? "bash" : undefined;
  if (program !== undefined) return { command: `${program} ${braced(quoteWord(name))}`, parameters: {} };
  const known = Object.keys(entries);
  throw new SestaError("PROJECT_INVALID", `there is no entry point "${name}"`, {
    where,
    hint:
      known.length === 0
        ? "It has no entry points: name a .py or .sh file as the job's `entry`."
        : `It has ${known.join(", ")}: name one as the job's \`entry\`.`,
  });
}

/** `-P NAME=VALUE` as often as it is given, as for `mlflow run`. @throws SestaError USAGE */
export function parseProjectArguments(args: readonly string[]): Record<string, string> {
  const values = new Map<string, string>();
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    const isFlag = word === "-P" || word === "--param-list";
    const text = isFlag ? args[++at] : word.replace(/^(?:--param-list=|-P)/, "");
    const [, name, value] = /^([A-Za-z_][\w.-]*)=([^\0]*)$/.exec(text ?? "") ?? [];
    if ((!isFlag && text === word) || name === undefined || value === undefined)
      throw usage(
        `what follows -- is not a parameter: ${[word, ...(isFlag ? [text ?? ""] : [])].join(" ").trim()}`,
      );
    if (values.has(name)) throw usage(`${name} is given twice`);
    values.set(name, value);
  }
  return Object.fromEntries(values);
}

function usage(message: string): SestaError {
  return new SestaError("USAGE", message, {
    hint: "A job with `project` takes -P NAME=VALUE: sesta run JOB -- -P alpha=0.5 -P epochs=3",
  });
}

/** As Python's `str.format`, of which a command needs names alone. */
function fill(command: string, values: ReadonlyMap<string, string>, entry: string, where: string): string {
  return command.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (found: string, name?: string) => {
    if (found === "{{" || found === "}}") return found.charAt(0);
    const value = name === undefined ? undefined : values.get(name);
    if (value !== undefined) return value;
    const names = [...values.keys()].join(", ") || "none";
    throw new SestaError(
      "PROJECT_INVALID",
      `${entry}: ${shown(found).slice(1, -1)} in its command is no parameter`,
      {
        where,
        hint: `Its parameters: ${names}. A brace that the shell should see is written twice: \${{HOME}}.`,
      },
    );
  });
}

/** In quotes, without what could rewrite a terminal. */
function shown(text: string): string {
  return JSON.stringify(text.replace(/\p{C}/gu, "?"));
}

function braced(text: string): string {
  return text.replace(/[{}]/g, "$&$&");
}

const number = /^[+-]?(?:(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[+-]?\d+)?|inf|infinity|nan)$/i;
const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/** What it should be instead. */
function valueProblem({ type }: EntryParameter, value: string): string | undefined {
  if (type === "float" && !number.test(value.trim())) return "a number";
  if (type === "uri" && !scheme.test(value)) return "an address with a scheme, like s3://bucket/data";
  if (type === "path" && /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(value))
    return "a path in the run's folder (bring what is elsewhere with `data`)";
  return undefined;
}
