// Brings the passwords that the secrets lead to into the state, as slow hashes; a changed one ends open sessions.
import { findSecret, listFronted } from "../model/project.ts";
import { hashPassword, verifyPassword } from "../front/password.ts";
import { resolveSecret, type SecretContext } from "../project/secret.ts";
import type { Context } from "./context.ts";

export type ChangedPassword = { name: string; replaced: boolean };

/** The names of secrets whose password was new or changed, and whether it took the place of another. @throws SestaError SECRET_MISSING, SECRET_COMMAND */
export async function syncPasswords(
  context: Context,
  only?: ReadonlySet<string>,
): Promise<ChangedPassword[]> {
  const { project, state } = context;
  const used = new Set(
    listFronted(project).flatMap(({ password }) => (password === undefined ? [] : [password])),
  );
  const changed: ChangedPassword[] = [];
  for (const name of used) {
    if (only && !only.has(name)) continue;
    const ref = findSecret(project, name);
    if (!ref) continue;
    const value = await resolveSecret(name, ref, secretContext(context));
    const known = state.listPasswords().get(name);
    if (known && (await verifyPassword(known.hash, value))) continue;
    state.setPassword(name, await hashPassword(value));
    changed.push({ name, replaced: known !== undefined });
  }
  return changed;
}

export function secretContext({ project, world, machine }: Context): SecretContext {
  return {
    folder: project.folder,
    env: world.env,
    runCommand: ([program = "", ...operands], { cwd }) =>
      machine.run([program, ...operands], { cwd, timeoutMs: 60_000 }),
  };
}
