// Variables of stages: their values, and what stands for each in the key of a result.
import { scrypt } from "node:crypto";
import { promisify } from "node:util";
import { SestaError } from "../../base/errors.ts";
import { protect } from "../../base/redact.ts";
import type { StageSection, StageValue } from "../../model/pipeline.ts";
import { findSecret } from "../../model/project.ts";
import { strayMark } from "../../machine/start-detached.ts";
import { resolveSecret } from "../../project/secret.ts";
import type { Context } from "../context.ts";
import { secretContext } from "../passwords.ts";

type Variable = { value: string; key: string };

/** Each secret is read once. */
export function createVariables(context: Context) {
  const secrets = new Map<string, Promise<Variable>>();
  const read = (name: string) => {
    const reading = secrets.get(name) ?? readSecret(context, name);
    secrets.set(name, reading);
    return reading;
  };
  return async ({ env, name: stage }: Pick<StageSection, "env" | "name">) => {
    const found = await Promise.all(
      Object.entries(env).map(async ([name, value]) => {
        const variable = "secret" in value ? await read(value.secret) : readText(context, stage, name, value);
        return [name, variable] as const;
      }),
    );
    return {
      values: Object.fromEntries(found.map(([name, { value }]) => [name, value])),
      keys: Object.fromEntries(found.map(([name, { key }]) => [name, key])),
    };
  };
}

/** What every stage begins with: none of the project's secrets, nothing that leads git or Sesta elsewhere. */
export function buildStageEnv(
  { world, project }: Context,
  work: string,
): Readonly<Record<string, string | undefined>> {
  const left = [
    ...Object.values(project.secrets).flatMap((ref) => ("env" in ref ? [ref.env] : [])),
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    strayMark,
  ];
  return {
    ...world.env,
    ...Object.fromEntries(left.map((name) => [name, undefined])),
    GIT_CEILING_DIRECTORIES: work,
  };
}

async function readSecret(context: Context, name: string): Promise<Variable> {
  const ref = findSecret(context.project, name);
  if (!ref) throw new Error(`no secret ${name}`); // the project file was checked
  const value = await resolveSecret(name, ref, secretContext(context));
  for (const line of value.split("\n")) if (line.length >= shortestLine) protect(line.trim());
  // In GitHub Actions each job has another one, and results go from job to job.
  const isOfJob =
    "env" in ref && ref.env === "GITHUB_TOKEN" && context.world.env["GITHUB_ACTIONS"] === "true";
  return { value, key: isOfJob ? "github.token" : await hideSecret(context.project.name, name, value) };
}

/** Of a secret of several lines, such as a key: logs are cleaned line by line. */
const shortestLine = 8;

const deriveKey = promisify<string, string, number, Buffer>(scrypt);

/** Slow on purpose, and the same on every machine of the project: keys of results travel between them. */
async function hideSecret(project: string, name: string, value: string): Promise<string> {
  return (await deriveKey(value, `sesta pipeline ${project} ${name}`, 32)).toString("hex");
}

function readText(
  { world }: Context,
  stage: string,
  name: string,
  value: Exclude<StageValue, { secret: string }>,
): Variable {
  if ("text" in value) return { value: value.text, key: value.text };
  const filled = value.parts.map((part) => {
    if (typeof part === "string") return part;
    const found = world.env[part.env];
    if (found !== undefined) return found;
    throw new SestaError("SECRET_MISSING", `${stage}: environment variable ${part.env} is not set`, {
      where: `sesta.yaml: ${name}`,
      hint: `export ${part.env}=…`,
    });
  });
  return { value: filled.join(""), key: filled.join("") };
}
