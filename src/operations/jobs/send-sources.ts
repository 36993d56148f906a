// Puts the sources of a job on its machine, as a tree that is kept by its digest.
import { randomBytes } from "node:crypto";
import { SestaError } from "../../base/errors.ts";
import { requireDone, runScript, type Host } from "../../machine/host.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import type { Context } from "../context.ts";
import type { Sources } from "./folder-sources.ts";
import { mirrorOf } from "./sources.ts";
import type { StepReport } from "./step.ts";

/**
 * Tells this project's half-made folders on a machine from those of another project that has the same sources, and from
 * those of another machine that shares its home folder.
 */
export function senderOf({ state }: Context, { machine }: Host): string {
  const own = state.transact(() => {
    const known = state.findSetting("sender") ?? randomBytes(6).toString("hex");
    state.setSetting("sender", known);
    return known;
  });
  return digestOf("sender", own, machine.name).slice(0, 12);
}

/** Nobody sees the tree before it is whole. @param tree absolute, on the machine */
export async function sendSources(
  host: Host,
  sender: string,
  sources: Sources,
  tree: string,
  { detail, bytes: onProgress, signal }: StepReport,
): Promise<void> {
  const { upload, fetch, commit } = sources;
  if (fetch && commit !== null) {
    detail(`cloning ${fetch.address}`);
    const operands = ["take", mirrorOf(host, fetch.mirrorKey), fetch.address, commit, tree];
    const ran = await runScript(host, "sources.sh", operands, { env: fetch.env, signal, onLine: detail });
    requireDone(
      ran,
      "The sources could not be fetched",
      host.machine.name,
      "Check `repo` in sesta.yaml, and that the machine may read it.",
    );
    return;
  }
  if (!upload) throw new SestaError("SETUP_FAILED", "There are no sources");
  const sending = `${tree}.making-${sender}`;
  const similar = await findSimilar(host);
  await host.machine.upload(upload, `${sending}/tree`, { signal, onProgress, ...(similar && { similar }) });
  const { lookAgain } = upload;
  if (lookAgain && (await lookAgain()) !== sources.digest) throw changedMeanwhile("The sources");
  requireDone(
    await runScript(host, "tree.sh", ["keep", sending, tree], { signal }),
    "The sources could not be kept",
    host.machine.name,
    "Check the disk there.",
  );
}

/** What is kept under a digest is what it says. */
export function changedMeanwhile(what: string): SestaError {
  return new SestaError("SETUP_FAILED", `${what} changed while they were sent`, {
    hint: "Run the same command again; what changes all the time belongs into .gitignore.",
  });
}

/** The newest tree there: most of its files are still the same. */
async function findSimilar({ machine, base }: Host): Promise<string | undefined> {
  const script = 'ls -td "$1"/*/complete 2>/dev/null | head -n 1';
  const { stdout } = await machine.run(["sh", "-c", script, "sh", `${base}/cache/trees`]);
  const mark = stdout.trim();
  return mark === "" ? undefined : `${mark.slice(0, -"/complete".length)}/tree`;
}
