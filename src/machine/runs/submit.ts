// Makes a run on its machine and begins it there; doing it twice is doing it once.
import { randomBytes } from "node:crypto";
import { SestaError } from "../../base/errors.ts";
import { buildRunFiles, type RunOrder } from "../../commands/run-files.ts";
import { partOf, type Run } from "../../model/run.ts";
import { runScriptWith, type Host } from "../host.ts";

export function runsFolder(host: Pick<Host, "base">): string {
  return `${host.base}/runs`;
}

/** Of the parts of a run that are on this machine. */
export function foldersOf(run: Pick<Run, "id" | "nodes">, host: Host): string[] {
  return run.nodes.flatMap(({ machine }, node) =>
    machine === host.machine.name ? [runFolder(host, partOf(run, node))] : [],
  );
}

export function runFolder(host: Pick<Host, "base">, id: string): string {
  return `${runsFolder(host)}/${id}`;
}

/**
 * @param tree the folder whose copy the run works in; null for an empty one
 * @throws SestaError RUN_NOT_STARTED with what the machine said
 */
export async function submitRun(
  host: Host,
  id: string,
  order: RunOrder,
  tree: string | null,
  signal?: AbortSignal,
): Promise<void> {
  const runs = runsFolder(host);
  // A folder of this process alone: what a killed one began on the machine may still go on.
  const made = `.new-${id}.${randomBytes(6).toString("hex")}`;
  const operands = [runs, id, tree ?? "-", made];
  const options = signal ? { signal } : {};
  const ran = await runScriptWith(
    host,
    buildRunFiles(order),
    `${runs}/${made}`,
    "submit.sh",
    operands,
    options,
  );
  if (ran.exitCode === 0) return;
  throw new SestaError("RUN_NOT_STARTED", `Run ${id} could not be started`, {
    where: host.machine.name,
    problems: ran.stderr.trim().split("\n").slice(-5),
    hint: "Free some space there or look at what it says, then run the same command again: it goes on with this run.",
  });
}
