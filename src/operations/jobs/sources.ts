// The sources of a job: the project's own folder, a repository on this machine, or one that the machine fetches itself.
import { relative } from "node:path";
import { buildTokenEnv } from "../../commands/git.ts";
import { createHost, requireDone, runScript, type Host } from "../../machine/host.ts";
import { findSecret, type JobSection } from "../../model/project.ts";
import { resolveSecret } from "../../project/secret.ts";
import { parseRepository, repositoryKey, resolveRepository } from "../../model/repository.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import type { Context } from "../context.ts";
import { secretContext } from "../passwords.ts";
import { findFolder, type Sources } from "./folder-sources.ts";

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
  const mirrorKey = digestOf("repository", repositoryKey(address, context.project.folder));
  const ask = async (by: Host) => {
    const operands = ["find", mirrorOf(by, mirrorKey), address, job.ref ?? ""];
    return { asked: by, ran: await runScript(by, "sources.sh", operands, { env }) };
  };
  const here = () => createHost(context.machine);
  const first = await ask(isPath ? await here() : host);
  // Its packages may bring git there before the sources are fetched.
  const { asked, ran } = first.ran.exitCode === noGitExit ? await ask(await here()) : first;
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

const noGitExit = 3;

export function mirrorOf({ base }: Host, key: string): string {
  return `${base}/cache/repositories/${key}`;
}

/** A repository that only this machine has goes over as the files of a clone of it. */
async function bringHere(here: Host, sources: Sources): Promise<Sources> {
  const { fetch, commit, digest } = sources;
  if (!fetch || commit === null) return sources;
  const tree = `${here.base}/cache/trees/${digest}`;
  const mirror = mirrorOf(here, fetch.mirrorKey);
  if ((await here.machine.run(["test", "-e", `${tree}/complete`])).exitCode !== 0) {
    const operands = ["take", mirror, fetch.address, commit, tree];
    requireDone(
      await runScript(here, "sources.sh", operands),
      "The repository could not be cloned",
      fetch.address,
      "Check `repo` in sesta.yaml.",
    );
  }
  const folder = `${tree}/tree`;
  const kinds = ["(", "-type", "f", "-o", "-type", "l", ")"];
  const { stdout } = await here.machine.run(["find", folder, ...kinds, "-print0"]);
  const files = stdout.split("\0").flatMap((path) => (path === "" ? [] : [relative(folder, path)]));
  return { digest, commit, dirty: false, upload: { folder, files, bytes: 0 }, here: [mirror, tree] };
}

async function findToken(context: Context, { token }: JobSection): Promise<string | undefined> {
  const ref = token === undefined ? undefined : findSecret(context.project, token);
  return ref && token !== undefined ? resolveSecret(token, ref, secretContext(context)) : undefined;
}
