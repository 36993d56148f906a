// The newest save made again without some of its files, on what the remote has.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { SaveRule } from "../../../model/launch.ts";
import { findAuthor } from "./commit-words.ts";
import type { Git } from "../git.ts";

export type WithoutOptions = {
  /** The newest save. */
  head: string;
  /** What the new one stands on, and where the files come from that are left out; null: nothing. */
  onto: string | null;
  files: readonly string[];
  author: SaveRule["author"];
  /** Wall time. */
  at: number;
};

/** Everything else stays as it was saved, also what is not in the workspace now. @returns a commit that no ref has yet */
export async function saveWithout(git: Git, options: WithoutOptions): Promise<string> {
  const index = join(git.folder, "sesta-without.tmp");
  try {
    return await buildCommit(git, options, { GIT_INDEX_FILE: index });
  } finally {
    await rm(index, { force: true });
  }
}

async function buildCommit(
  git: Git,
  { head, onto, files, author, at }: WithoutOptions,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  await git.get(["read-tree", head], { env });
  const present = await listBlobs(git, head, files);
  const before = onto === null ? new Map<string, string>() : await listBlobs(git, onto, files);
  const lines = [...present.keys()].map((path) => `${before.get(path) ?? `0 ${"0".repeat(40)}`}\t${path}\0`);
  await git.get(["update-index", "-z", "--index-info"], { env, input: lines.join("") });
  const tree = await git.get(["write-tree"], { env });
  const message = await git.get(["log", "-1", "--format=%B", head]);
  const { name, email } = author ?? (await findAuthor(git));
  const date = `${Math.floor(at / 1000)} +0000`;
  return git.get(["commit-tree", tree, ...(onto === null ? [] : ["-p", onto])], {
    input: message,
    env: {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    },
  });
}

/** "MODE OID" by path. */
async function listBlobs(git: Git, commit: string, files: readonly string[]): Promise<Map<string, string>> {
  const wanted = new Set(files);
  const listed = await git.get(["ls-tree", "-r", "-z", "--full-tree", commit]);
  const blobs = new Map<string, string>();
  for (const line of listed.split("\0")) {
    const [, mode, oid, path] = /^(\d+) blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    if (path !== undefined && wanted.has(path)) blobs.set(path, `${mode} ${oid}`);
  }
  return blobs;
}
