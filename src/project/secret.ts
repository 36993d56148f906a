// Secrets from reference to value, as late as possible; no message ever holds a value or a command.
import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { messageOf, SestaError, systemCode } from "../base/errors.ts";
import { protect } from "../base/redact.ts";
import { projectFileName } from "../model/project.ts";
import type { Project } from "../model/project.ts";
import { formatEnvText } from "../model/secret.ts";
import type { EnvText, SecretRef } from "../model/secret.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** Runs `argv` to its end in `cwd`, and gives its stdout as it came. */
export type RunCommand = (
  argv: readonly string[],
  options: { cwd: string },
) => Promise<{ exitCode: number; stdout: string }>;

export type SecretContext = { folder: string; env: Env; runCommand: RunCommand };

const maxBytes = 65_536;

/**
 * The value, without one line end at its end; protected from being printed from now on.
 * @throws SestaError SECRET_MISSING, SECRET_COMMAND
 */
export async function resolveSecret(name: string, ref: SecretRef, context: SecretContext): Promise<string> {
  const value = (await read(name, ref, context)).replace(/\r?\n$/, "");
  if (value === "") throw missing(name, `${describeReference(ref)} is empty`);
  protect(value);
  return value;
}

export type SecretFinding = { secret: string; level: "error" | "warning"; message: string };

/**
 * Env and file references that lead to nothing, and files that others can read; no command runs.
 * @param names those that matter now; all without them
 */
export async function checkSecrets(
  project: Project,
  env: Env,
  names: readonly string[] = Object.keys(project.secrets),
): Promise<SecretFinding[]> {
  const chosen = Object.entries(project.secrets).filter(([name]) => names.includes(name));
  const found = await Promise.all(chosen.map(([name, ref]) => checkSecret(name, ref, project.folder, env)));
  return found.filter((finding) => finding !== undefined);
}

/** `environment variable TEAM_PASS`, `file ~/.pass`, `its command`. */
export function describeReference(ref: SecretRef): string {
  if ("env" in ref) return `environment variable ${ref.env}`;
  return "file" in ref ? `file ${formatEnvText(ref.file)}` : "the output of its command";
}

async function read(name: string, ref: SecretRef, context: SecretContext): Promise<string> {
  if ("env" in ref) {
    const value = context.env[ref.env];
    if (value === undefined) throw missing(name, `${describeReference(ref)} is not set`);
    return value;
  }
  return "file" in ref ? readSecretFile(name, ref, context) : runSecretCommand(name, ref.command, context);
}

async function readSecretFile(
  name: string,
  ref: { file: EnvText },
  { folder, env }: SecretContext,
): Promise<string> {
  const path = fillPath(ref.file, folder, env);
  if ("unset" in path) throw missing(name, `${describeReference(ref)}: ${path.unset} is not set`);
  const problem = await findFileProblem(path.path);
  if (problem !== undefined) throw missing(name, `${describeReference(ref)} ${problem}`);
  try {
    const file = await open(path.path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    throw missing(name, `${describeReference(ref)} ${explainRead(error)}`);
  }
}

async function runSecretCommand(
  name: string,
  command: string,
  { folder, runCommand }: SecretContext,
): Promise<string> {
  // Neither the command nor what it printed is repeated: both may hold the value. Nor is a cause kept that would.
  const failed = (reason: string) =>
    new SestaError("SECRET_COMMAND", `the command of secret ${name} ${reason}`, {
      where: `${projectFileName}: secrets.${name}`,
      hint: "Run the command by hand in the project's folder to see why.",
    });
  const ran = await runCommand(["sh", "-c", command], { cwd: folder }).catch((error: unknown) => {
    throw failed(`could not be run (${systemCode(error) ?? "no reason given"})`);
  });
  if (ran.exitCode !== 0) throw failed(`ended with ${ran.exitCode}`);
  return ran.stdout;
}

async function checkSecret(
  name: string,
  ref: SecretRef,
  folder: string,
  env: Env,
): Promise<SecretFinding | undefined> {
  const found = (level: SecretFinding["level"], message: string) => ({
    secret: name,
    level,
    message: `secret ${name}: ${message}`,
  });
  if ("command" in ref) return undefined;
  if ("env" in ref) {
    const value = env[ref.env];
    if (value === undefined) return found("error", `${describeReference(ref)} is not set`);
    return value === "" ? found("error", `${describeReference(ref)} is empty`) : undefined;
  }
  const path = fillPath(ref.file, folder, env);
  if ("unset" in path) return found("error", `${describeReference(ref)}: ${path.unset} is not set`);
  const problem = await findFileProblem(path.path);
  if (problem !== undefined) return found("error", `${describeReference(ref)} ${problem}`);
  const { mode } = await stat(path.path);
  // A warning only: files that a container platform mounts are often 0440 or 0444 and cannot be changed.
  if ((mode & 0o077) !== 0)
    return found("warning", `${describeReference(ref)} can be read by other users: chmod 600 it`);
  return undefined;
}

function fillPath(text: EnvText, folder: string, env: Env): { path: string } | { unset: string } {
  const unset = text.find((part) => typeof part !== "string" && !env[part.env]);
  if (unset !== undefined && typeof unset !== "string") return { unset: unset.env };
  const path = text.map((part) => (typeof part === "string" ? part : (env[part.env] ?? ""))).join("");
  if (!path.startsWith("~/")) return { path: resolve(folder, path) };
  const home = env["HOME"];
  return home ? { path: join(home, path.slice(2)) } : { unset: "HOME" };
}

/** Where a `file` secret is; undefined for other kinds, and while a variable in its path is not set. */
export function findSecretPath(ref: SecretRef, folder: string, env: Env): string | undefined {
  if (!("file" in ref)) return undefined;
  const found = fillPath(ref.file, folder, env);
  return "path" in found ? found.path : undefined;
}

async function findFileProblem(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return "is not an ordinary file";
    if (found.size > maxBytes) return "is larger than 64 KiB";
    return found.size === 0 ? "is empty" : undefined;
  } catch (error) {
    return explainRead(error);
  }
}

function explainRead(error: unknown): string {
  const code = systemCode(error);
  if (code === "ENOENT" || code === "ENOTDIR") return "does not exist";
  return code === "EACCES"
    ? "cannot be read: you have no permission"
    : `cannot be read (${code ?? messageOf(error)})`;
}

function missing(name: string, reason: string): SestaError {
  return new SestaError("SECRET_MISSING", `secret ${name}: ${reason}`, {
    where: `${projectFileName}: secrets.${name}`,
    hint: "Set it, or change its reference in the project file.",
  });
}
