// What on a machine is used beside the workloads of one agent: people, runs, other projects, programs of anybody.
import { loadavg } from "node:os";
import { messageOf, SestaError } from "../../base/errors.ts";
import type { Machine } from "../../machine/machine.ts";
import { listProcesses, readArguments, readVariables, type ProcessRow } from "../../machine/process-table.ts";
import { strayMark } from "../../machine/start-detached.ts";
import { readGpuPercent } from "../evidence/gpu.ts";
import { collectSessionEvidence } from "../evidence/session.ts";
import { nameProgram } from "../evidence/terminal.ts";

export type Seen = {
  rows: readonly ProcessRow[];
  argumentsOf: (row: ProcessRow) => Promise<readonly string[]>;
  variablesOf: (row: ProcessRow) => Promise<ReadonlyMap<string, string> | undefined>;
  /** Of the last five minutes: how many processors were wanted at a time. */
  load: number;
};

/** What a program inherits from a lab's start, or from a run. */
const marks = [strayMark, "SESTA_RUN"];
/** A lab or a run of any project and user: a run that waits in line too. */
const ownProgram = /\/\.sesta\/(?:projects\/[^/]+\/agent\/run\/|bin\/[^/]+\/supervise\.sh)/;
const busyLoad = 0.5;
const busyGpuPercent = 5;

/** One sentence without its end; undefined when nothing is. What cannot be found out counts as use. */
export async function findMachineUse(machine: Machine): Promise<string | undefined> {
  try {
    const [, load = 0] = loadavg();
    const rows = await listProcesses();
    const seen = { rows, argumentsOf: readArguments, variablesOf: readVariables, load };
    return (await findUseIn(seen)) ?? (await findLogin(machine)) ?? (await findGpuUse(machine));
  } catch (error) {
    return `what goes on there could not be found out: ${messageOf(error)}`;
  }
}

export async function findUseIn({ rows, argumentsOf, variablesOf, load }: Seen): Promise<string | undefined> {
  const terminal = rows.find(({ tty }) => tty !== null);
  if (terminal) return `somebody is logged in (${terminal.tty})`;
  for (const row of rows) {
    const [args, variables] = await Promise.all([argumentsOf(row), variablesOf(row)]);
    if (marks.some((mark) => variables?.has(mark)) || args.some((word) => ownProgram.test(word)))
      return `${nameProgram(row.name)} of a lab or a run`;
  }
  const [session] = await collectSessionEvidence(rows, () => false);
  if (session) return session.source;
  return load >= busyLoad ? `its programs take ${load.toFixed(1)} processors` : undefined;
}

/** Somebody at the machine itself, as utmp has it. */
async function findLogin(machine: Machine): Promise<string | undefined> {
  const { stdout } = await machine.run(["who"]).catch(emptyWhenMissing);
  const [user] = stdout.trim().split(/\s/);
  return user ? `${user} is logged in` : undefined;
}

async function findGpuUse(machine: Machine): Promise<string | undefined> {
  try {
    const percent = await readGpuPercent(machine);
    return percent >= busyGpuPercent ? `a GPU is ${Math.round(percent)} % busy` : undefined;
  } catch (error) {
    emptyWhenMissing(error);
    return undefined;
  }
}

function emptyWhenMissing(error: unknown): { stdout: string } {
  if (error instanceof SestaError && error.code === "COMMAND_MISSING") return { stdout: "" };
  throw error;
}
