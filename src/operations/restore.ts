// Brings a saved state back: into a folder of its own, or over the workspace.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { SestaError } from "../base/errors.ts";
import type { Restored, RestoreRequest } from "../model/agent-protocol.ts";
import type { Context } from "./context.ts";
import { callLong, requireSaved } from "./save.ts";
import { supplyMissingTokens } from "./tokens.ts";

/** @throws SestaError NOT_UP, UNSUPPORTED where nothing is saved, SAVE_MISSING */
export async function restore(context: Context, request: RestoreRequest): Promise<Restored> {
  const { name } = request;
  try {
    requireSaved(context, name);
  } catch (error) {
    throw withKeptSaves(context, name, error);
  }
  await context.targets.of(name).agent.ensure();
  await supplyMissingTokens(context, [name]);
  return callLong(context, "restore", request);
}

/** What one who only asks for files needs instead: where the earlier saves are, and how they are read. */
function withKeptSaves({ folder }: Context, name: string, error: unknown): unknown {
  if (!(error instanceof SestaError) || (error.code !== "NOT_UP" && error.code !== "UNSUPPORTED"))
    return error;
  const repository = join(folder, "agent", "saves", name, "git");
  if (!existsSync(repository)) return error;
  const git = `git --git-dir='${repository.replaceAll("'", "'\\''")}'`;
  return new SestaError(error.code, error.message, {
    problems: [
      `its earlier saves are kept: ${git} log refs/sesta/work`,
      `to read one: mkdir before && ${git} archive refs/sesta/work | tar -x -C before`,
    ],
    ...(error.hint !== undefined && { hint: error.hint }),
    cause: error,
  });
}
