// The sources of a job: the project's own folder, a repository on this machine, or one that the machine fetches itself.
import { join, relative } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { buildTokenEnv } from "../../commands/git.ts";
import { createHost, requireDone, runScript, type Host } from "../../machine/host.ts";
import { findSecret, type JobSection } from "../../model/project.ts";
import { findSecretPath, resolveSecret } from "../../project/secret.ts";
import { parseRepository, repositoryKey, resolveRepository } from "../../model/repository.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import type { Context } from "../context.ts";
import { secretContext } from "../passwords.ts";
import { hashFiles } from "./hash-files.ts";
import { listFiles, quietGit } from "./list-files.ts";

/** What will be sent, or fetched, and what tells it from every other state. */
export type Sources = {
  /** Names the tree on machines. */
  digest: string;
  commit: string | null;
  dirty: boolean | null;
  /** Files of a folder here; absent where the machine fetches a repository. */
  upload?: { folder: string; files: readonly string[]; bytes: number };
  fetch?: { address: string; mirrorKey: string; env: Record<string, string> };
};

/** @param machine asks a remote repository; a local one and a folder are read here, while it is being reached */
export async function findSources(
  context: Context,
  job: JobSection,
  machine: Promise<Host>,
): Promise<Sources> {
  machine.catch(() => undefined); // whoever opens it hears of it
  if (job.repo === undefined) return findFolder(context, job);
  const host = await machine;
  const address = resolveRepository(job.repo, context.project.folder);
  const found = parseRepository(address);
  const isPath = "kind" in found && found.kind === "path";
  const env = buildTokenEnv(await findToken(context, job));
  const asked = isPath ? await createHost(context.machine) : host;
  const mirrorKey = digestOf("repository", repositoryKey(address, context.project.folder));
  const ran = await runScript(
    asked,
    "sources.sh",
    ["find", mirrorOf(asked, mirrorKey), address, job.ref ?? ""],
    {
      env,
    },
  );
  const commit = requireDone(
    ran,
    `The sources of ${job.name} could not be found`,
    `${asked.machine.name}: ${job.repo}`,
    job.token === undefined
      ? "Check `repo` and `ref` in sesta.yaml, and that this machine may read it."
      : "Check `repo`, `ref` and `token` in sesta.yaml.",
  ).trim();
  const digest = digestOf("commit", mirrorKey, commit);
  const fetched = { digest, commit, dirty: false, fetch: { address, mirrorKey, env } };
  return isPath && host.machine.name !== "local" ? bringHere(asked, fetched) : fetched;
}

export function mirrorOf({ base }: Host, key: string): string {
  return `${base}/cache/repositories/${key}`;
}

/** A repository that only this machine has goes over as the files of a clone of it. */
async function bringHere(here: Host, sources: Sources): Promise<Sources> {
  const { fetch, commit, digest } = sources;
  if (!fetch || commit === null) return sources;
  const tree = `${here.base}/cache/trees/${digest}`;
  if ((await here.machine.run(["test", "-e", `${tree}/complete`])).exitCode !== 0) {
    const operands = ["take", mirrorOf(here, fetch.mirrorKey), fetch.address, commit, tree];
    requireDone(
      await runScript(here, "sources.sh", operands),
      "The repository could not be cloned",
      fetch.address,
      "Check `repo` in sesta.yaml.",
    );
  }
  const folder = `${tree}/tree`;
  const { stdout } = await here.machine.run([
    "find",
    folder,
    "(",
    "-type",
    "f",
    "-o",
    "-type",
    "l",
    ")",
    "-print0",
  ]);
  const files = stdout.split("\0").flatMap((path) => (path === "" ? [] : [relative(folder, path)]));
  return { digest, commit, dirty: false, upload: { folder, files, bytes: 0 } };
}

async function findFolder(context: Context, job: JobSection): Promise<Sources> {
  const { project, machine, folder: own, world } = context;
  const { folder } = project;
  const files = await listFiles(machine, folder, listExcluded(context, job));
  const { digest, bytes } = await hashFiles(folder, files, join(own, "hashes.json"), world.clock);
  const [commit, status] = await Promise.all([
    machine.run([...quietGit(folder), "rev-parse", "--verify", "-q", "HEAD"]).catch(() => undefined),
    machine.run([...quietGit(folder), "status", "--porcelain", "--", "."]).catch(() => undefined),
  ]);
  const isKnown = commit?.exitCode === 0;
  return {
    digest: digestOf("folder", digest),
    commit: isKnown ? commit.stdout.trim() : null,
    dirty: isKnown ? (status?.stdout ?? "").trim() !== "" : null,
    upload: { folder, files, bytes },
  };
}

/** What stays here: outputs, data that goes its own way, and secrets. */
function listExcluded({ project, world }: Context, job: JobSection): string[] {
  const jobs = Object.values(project.workloads).filter((section) => section.type === "job");
  const secrets = Object.values(project.secrets).flatMap((ref) => {
    const path = findSecretPath(ref, project.folder, world.env);
    return path === undefined ? [] : [relative(project.folder, path)];
  });
  const data = job.data.flatMap(({ kind, from }) => (kind === "path" ? [from] : []));
  const ofPlaybooks = job.playbook === undefined ? [] : ["vars.sh", "key.pem"];
  return [
    ...jobs.map(({ into }) => into).filter((into) => into !== "."),
    ...data,
    ...secrets,
    ...ofPlaybooks,
  ];
}

async function findToken(context: Context, { token }: JobSection): Promise<string | undefined> {
  const ref = token === undefined ? undefined : findSecret(context.project, token);
  return ref && token !== undefined ? resolveSecret(token, ref, secretContext(context)) : undefined;
}

/** Puts the sources on the machine as `tree`. */
export async function sendSources(
  host: Host,
  sources: Sources,
  tree: string,
  detail: (text: string) => void,
  onProgress: (doneBytes: number, totalBytes: number) => void,
  signal: AbortSignal,
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
  const sending = `${tree}.sending`;
  const similar = await findSimilar(host);
  await host.machine.upload(upload, `${sending}/tree`, { signal, onProgress, ...(similar && { similar }) });
  requireDone(
    await runScript(host, "tree.sh", ["keep", sending, tree]),
    "The sources could not be kept",
    host.machine.name,
    "Check the disk there.",
  );
}

/** The newest tree there: most of its files are still the same. */
async function findSimilar({ machine, base }: Host): Promise<string | undefined> {
  const script = 'ls -td "$1"/*/complete 2>/dev/null | head -n 1';
  const { stdout } = await machine.run(["sh", "-c", script, "sh", `${base}/cache/trees`]);
  const mark = stdout.trim();
  return mark === "" ? undefined : `${mark.slice(0, -"/complete".length)}/tree`;
}
