// The variables of a section as its launch has them.
import type { EnvValue } from "../model/project.ts";
import type { Template } from "../model/template.ts";

/** Without the secrets, which stand in no launch: they lie beside it. */
export function buildEnv(env: Readonly<Record<string, EnvValue>>): Record<string, Template> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) => ("text" in value ? [[key, [value.text]]] : [])),
  );
}

/** The names of its secrets, by variable. */
export function listEnvSecrets(env: Readonly<Record<string, EnvValue>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) => ("secret" in value ? [[key, value.secret]] : [])),
  );
}
