// The project's own folder as the sources of a job.
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { JobSection } from "../../model/project.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import type { Context, World } from "../context.ts";
import { listPrivateFiles } from "../private-files.ts";
import { hashFiles } from "./hash-files.ts";
import { listSources, quietGit } from "./list-files.ts";

/** What will be sent, or fetched, and what tells it from every other state. */
export type Sources = {
  /** Names the tree on machines. */
  digest: string;
  /** Of the files alone: `sha256:…`; only of a folder here. */
  contents?: string;
  commit: string | null;
  dirty: boolean | null;
  /** Files of a folder here; absent where the machine fetches a repository. */
  upload?: {
    folder: string;
    files: readonly string[];
    bytes: number;
    /** The digest as it is by now, where people work on them. */
    lookAgain?: () => Promise<string>;
  };
  /** Absolute, on this machine: what was made here on the way, though the job runs elsewhere. */
  here?: readonly string[];
  fetch?: { address: string; mirrorKey: string; env: Record<string, string> };
};

/** As .gitignore leaves it. */
export function findFolder(context: Context, job: JobSection): Promise<Sources> {
  return findProjectFiles(context, listExcluded(context, job));
}

/** The project's folder as .gitignore leaves it. @param excluded paths in it that stay here with all that is in them */
export async function findProjectFiles(context: Context, unwanted: readonly string[]): Promise<Sources> {
  const { project, machine, folder: own, world } = context;
  const { folder } = project;
  const found = await listSources(machine, folder, unwanted);
  const printed = await listPrinted(folder, found, world);
  const files = found.filter((path) => !printed.includes(path));
  const excluded = [...unwanted, ...printed];
  const look = async () => {
    const { digest, bytes } = await hashFiles(folder, files, join(own, "hashes.json"), world.clock);
    return { digest: digestOf("folder", digest), contents: `sha256:${digest}`, bytes };
  };
  const { digest, contents, bytes } = await look();
  const [commit, status] = await Promise.all([
    machine.run([...quietGit(folder), "rev-parse", "--verify", "-q", "HEAD"]).catch(() => undefined),
    machine
      .run([...quietGit(folder), "status", "--porcelain", "--", ".", ...excluded.map(excludeFromStatus)])
      .catch(() => undefined),
  ]);
  const isKnown = commit?.exitCode === 0;
  return {
    digest,
    contents,
    commit: isKnown ? commit.stdout.trim() : null,
    dirty: isKnown ? (status?.stdout ?? "").trim() !== "" : null,
    upload: { folder, files, bytes, lookAgain: async () => (await look()).digest },
  };
}

/** Of `sesta run > out.txt`: it grows with every line, and is no source. */
async function listPrinted(
  folder: string,
  files: readonly string[],
  { printsTo = [] }: World,
): Promise<string[]> {
  if (printsTo.length === 0) return [];
  const looked = await Promise.all(
    files.map(async (path) => {
      const found = await lstat(join(folder, path)).catch(() => undefined); // somebody may delete it now
      return printsTo.some(({ dev, ino }) => found?.dev === dev && found.ino === ino) ? [path] : [];
    }),
  );
  return looked.flat();
}

/** A path of the folder, as a pathspec (gitglossary(7)). */
function excludeFromStatus(path: string): string {
  return `:(exclude,literal)${path}`;
}

/** What stays here: outputs, data that goes its own way, and what is private. */
function listExcluded(context: Context, job: JobSection): string[] {
  const jobs = Object.values(context.project.workloads).filter((section) => section.type === "job");
  const data = job.data.flatMap(({ kind, from }) => (kind === "path" ? [from] : []));
  return [
    ...jobs.map(({ into }) => into).filter((into) => into !== "."),
    ...data,
    ...listPrivateFiles(context),
  ];
}
