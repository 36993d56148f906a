// A machine with Sesta's own folder on it: where things are there, and the scripts that work on them.
import { createHash } from "node:crypto";
import { SestaError } from "../base/errors.ts";
import type { Argv, Facts, Machine, Ran, RunOptions } from "./machine.ts";
import { machineScripts } from "./scripts.gen.ts";

export type Host = {
  machine: Machine;
  facts: Facts;
  /** `~/.sesta`, absolute. */
  base: string;
};

/** Names of the scripts in runs/ and setup/. */
export type ScriptName = `${string}.sh`;

export async function createHost(machine: Machine): Promise<Host> {
  const facts = await machine.facts();
  return { machine, facts, base: `${facts.home}/.sesta` };
}

/** The scripts of this Sesta have a folder of their own, so that those of an older one go on with what they began. */
export function scriptsFolder(base: string): string {
  return `${base}/bin/${scriptsDigest()}`;
}

/** Runs one of Sesta's scripts there; they are put there first where they are missing. */
export async function runScript(
  { machine, base }: Host,
  name: ScriptName,
  operands: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const argv = buildScriptArgv(base, name, operands);
  const ran = await machine.run(argv, options);
  if (ran.exitCode !== missingExit) return ran;
  await putScripts({ machine, base });
  return machine.run(argv, options);
}

/** What `runScript` runs; for what must stay open. */
export function buildScriptArgv(base: string, name: ScriptName, operands: readonly string[]): Argv {
  return ["sh", "-c", entry, scriptsFolder(base), name, ...operands];
}

export async function putScripts({ machine, base }: Pick<Host, "machine" | "base">): Promise<void> {
  // The mark comes last, and files are put in place in their order: a part of them is none.
  await machine.put({ ...machineScripts, [completeMark]: "" }, scriptsFolder(base));
}

/** @throws SestaError SETUP_FAILED with what the script printed */
export function requireDone(ran: Ran, what: string, where: string, hint: string): string {
  if (ran.exitCode === 0) return ran.stdout;
  const said = `${ran.stdout}\n${ran.stderr}`.split("\n").filter((line) => line.trim() !== "");
  throw new SestaError("SETUP_FAILED", what, { where, problems: said.slice(-15), hint });
}

const completeMark = "complete";
const missingExit = 97;
const entry = `[ -e "$0/${completeMark}" ] || exit ${missingExit}; script=$0/$1; shift; exec sh "$script" "$@"`;

let digest: string | undefined;
function scriptsDigest(): string {
  digest ??= createHash("sha256").update(JSON.stringify(machineScripts)).digest("hex").slice(0, 16);
  return digest;
}
