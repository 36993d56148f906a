// A machine with Sesta's own folder on it: where things are there, and the scripts that work on them.
import { createHash, randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { buildPut } from "../commands/put-files.ts";
import { quotePath } from "../commands/remote-shell.ts";
import { SestaError } from "../base/errors.ts";
import { lastOf } from "./fetch/records.ts";
import type { Argv, Facts, Machine, Ran, RunOptions } from "./machine.ts";
import { explainPut } from "./put-error.ts";
import { machineScripts } from "./scripts.gen.ts";

export type Host = {
  machine: Machine;
  facts: Facts;
  /** `~/.sesta`, absolute. */
  base: string;
};

/** Names of the scripts in runs/ and setup/. */
type ScriptName = `${string}.sh`;

/** What it says of itself, while Sesta's scripts are put there where they are missing. */
export async function createHost(machine: Machine): Promise<Host> {
  // Not everything needs them: what does says why they could not be put there.
  const [facts] = await Promise.all([machine.facts(), ensureScripts(machine).catch(() => undefined)]);
  return { machine, facts, base: `${facts.home}/.sesta` };
}

/** Runs one of Sesta's scripts there; they are put there again where somebody has taken them away. */
export async function runScript(
  { machine, base }: Host,
  name: ScriptName,
  operands: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const argv = buildScriptArgv(base, name, operands);
  const ran = await machine.run(argv, options);
  if (ran.exitCode !== missingExit) return ran;
  await ensureScripts(machine);
  return machine.run(argv, options);
}

/** What `runScript` runs; for what must stay open. */
export function buildScriptArgv(base: string, name: ScriptName, operands: readonly string[]): Argv {
  return ["sh", "-c", entry, `${base}/${scriptsFolder()}`, name, ...operands];
}

/** One of the scripts, behind files for it that come in the same round trip. @param to absolute */
export async function runScriptWith(
  host: Host,
  files: Readonly<Record<string, string>>,
  to: string,
  name: ScriptName,
  operands: readonly string[],
  options: Pick<RunOptions, "signal"> = {},
): Promise<Ran> {
  const { script, input } = buildPut(files, quotePath(to), newNonce());
  const [, , , ...words] = buildScriptArgv(host.base, name, operands);
  const argv: Argv = ["sh", "-c", `${script}\n${entry}`, ...words];
  const ran = await host.machine.run(argv, { ...options, input });
  if (ran.exitCode !== missingExit) return ran;
  await ensureScripts(host.machine);
  return host.machine.run(argv, { ...options, input });
}

/** Looks first, and sends them over the same command where they are missing. @throws SestaError DISK_FULL, TRANSFER */
export async function ensureScripts(machine: Machine): Promise<void> {
  // The mark comes last, and files are put in place in their order: a part of them is none.
  const files = { ...machineScripts, [completeMark]: "" };
  const folder = `"$HOME"/.sesta/${scriptsFolder()}`;
  const { script, input } = buildPut(files, folder, newNonce());
  const look = `[ ! -e ${folder}/${completeMark} ] || { echo there; exit 0; }; echo missing`;
  const shut = 'chmod go-rwx "$HOME"/.sesta'; // an older Sesta may have left it open
  const process = await machine.open(["sh", "-c", `${look}\n${script}\n${shut}`]);
  const said = lastOf(process.stderr);
  createInterface({ input: process.stdout }).once("line", (line) => {
    process.stdin.end(line === "missing" ? input : "");
  });
  const { exitCode } = await process.ended;
  if (exitCode !== 0) throw explainPut(said(), `~/.sesta/${scriptsFolder()}`, machine.name);
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

/** Below Sesta's own. The scripts of this Sesta are apart from those of an older one, which go on with what they began. */
function scriptsFolder(): string {
  digest ??= createHash("sha256").update(JSON.stringify(machineScripts)).digest("hex").slice(0, 16);
  return `bin/${digest}`;
}

let digest: string | undefined;

function newNonce(): string {
  return randomBytes(6).toString("hex");
}
