// Brings a run's outputs home, also while it runs. What an earlier run brought is never written over.
import { join } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { runFolder } from "../../machine/runs/submit.ts";
import { isOver, partOf, type Run } from "../../model/run.ts";
import type { Context } from "../context.ts";
import { openHost } from "../machines.ts";
import { claimFolder, findFolder } from "./outputs-folder.ts";

export type FetchResult = {
  /** Absolute. */
  into: string;
  files: number;
  bytes: number;
  missing: readonly string[];
  skipped: readonly { path: string; why: string }[];
};

/**
 * Undefined where the job names nothing to fetch.
 * @param run as its machines tell of it now: what is fetched of one that is over is all of it
 */
export async function fetchRun(
  context: Context,
  run: Run,
  onProgress: (doneBytes: number, totalBytes: number) => void,
  maxBytes?: number,
): Promise<FetchResult | undefined> {
  const { settings, nodes, target, id } = run;
  if (settings.fetch.length === 0) return undefined;
  const before = findFolder(context, run);
  const into = await claimFolder(context, run);
  const isWhole = isOver(run.state);
  const sums = nodes.map(() => ({ done: 0, total: 0 }));
  const fetched = await Promise.all(
    nodes.map(async ({ machine }, at) => {
      const host = await openHost(context, target, machine);
      const from = `${runFolder(host, partOf(run, at))}/work`;
      const to = nodes.length === 1 ? into : join(into, machine);
      const getting = host.machine.get(from, settings.fetch, to, {
        signal: context.world.signal,
        ...(maxBytes !== undefined && { maxBytes }),
        onProgress(done, total) {
          sums[at] = { done, total };
          const sum = (key: "done" | "total") => sums.reduce((all, one) => all + one[key], 0);
          onProgress(sum("done"), sum("total"));
        },
      });
      return getting.catch(async (error: unknown) => {
        if (!(error instanceof SestaError) || error.code !== "TRANSFER") throw error;
        if ((await host.machine.run(["test", "-d", from])).exitCode === 0) throw error;
        throw new SestaError("UNKNOWN_RUN", `The files of ${id} are not on ${machine} any more`, {
          hint: before === undefined ? "Run it again." : `What was fetched before is in ${before}.`,
          cause: error,
        });
      });
    }),
  );
  const files = fetched.reduce((sum, one) => sum + one.files, 0);
  const bytes = fetched.reduce((sum, one) => sum + one.bytes, 0);
  const at = context.world.clock.now();
  context.state.changeRun(id, (known) => ({ ...known, fetched: { files, bytes, into, at, isWhole } }));
  return {
    into,
    files,
    bytes,
    // With several machines it is enough that one has it: often only rank 0 writes.
    missing: settings.fetch.filter((pattern) => fetched.every((one) => one.missing.includes(pattern))),
    skipped: fetched.flatMap((one) => one.skipped),
  };
}
