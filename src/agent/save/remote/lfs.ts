// Large files through Git LFS: a pointer in the commit, the content beside it and at the remote's LFS store.
import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { SaveRule } from "../../../model/launch.ts";
import type { Git, GitOptions, GitRan } from "../git.ts";
import { buildPointer, type Pointer } from "./lfs-pointer.ts";
import { explainRemote, RemoteError, type RemoteTrouble } from "./remote-trouble.ts";

export type LfsOptions = {
  git: Git;
  rule: () => SaveRule;
  /** Runs git where it reaches the remote. */
  visit: (
    operands: readonly string[],
    signal: AbortSignal | undefined,
    options: GitOptions,
  ) => Promise<GitRan>;
  /** What must not be shown. */
  secret: () => string | undefined;
};

export type Lfs = ReturnType<typeof createLfs>;

const atOnce = 50;
const partBytes = 1024 * 1024;

/** The content is in `lfs/objects` of the private repository, where git-lfs itself looks for it. */
export function createLfs({ git, rule, visit, secret }: LfsOptions) {
  const storage = join(git.folder, "lfs");
  const place = (oid: string) => join(storage, "objects", oid.slice(0, 2), oid.slice(2, 4), oid);
  const sentFolder = () =>
    join(storage, "sent", createHash("sha256").update(rule().repo).digest("hex").slice(0, 16));
  // In the repository's own configuration, over the user's: given by -c it would reach the remote's side of a path too.
  const run = async (operands: readonly string[], signal: AbortSignal | undefined) => {
    await git.get(["config", "lfs.storage", storage]);
    return visit([...impatience, ...remoteOf(rule().repo), "lfs", ...operands], signal, { unnamed: true });
  };

  return {
    /** Whether git-lfs is installed here. */
    async isInstalled(): Promise<boolean> {
      return (await git.run(["lfs", "version"])).exitCode === 0;
    },

    /**
     * Keeps the content of an open file and says what stands for it in a commit. Undefined when git-lfs is missing:
     * the file is then set aside with `missingHint`.
     */
    async keep(path: string): Promise<{ pointer: string; oid: string; sizeBytes: number } | undefined> {
      if (!(await this.isInstalled())) return undefined;
      await mkdir(join(storage, "incoming"), { recursive: true, mode: 0o700 });
      const temporary = join(storage, "incoming", randomBytes(8).toString("hex"));
      try {
        const { oid, sizeBytes } = await copyHashed(path, temporary);
        await mkdir(dirname(place(oid)), { recursive: true, mode: 0o700 });
        await rename(temporary, place(oid));
        return { pointer: buildPointer({ oid, sizeBytes }), oid, sizeBytes };
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },

    /** Sends what this remote does not have yet. Undefined when it has everything. */
    async send(signal?: AbortSignal): Promise<RemoteTrouble | undefined> {
      const sent = sentFolder();
      const done = new Set(await readdir(sent).catch(() => []));
      const due = (await listObjects(join(storage, "objects"))).filter((oid) => !done.has(oid));
      if (due.length === 0) return undefined;
      if (!(await this.isInstalled())) return { kind: "git", message: missing, hint: missingHint };
      await mkdir(sent, { recursive: true, mode: 0o700 });
      for (let first = 0; first < due.length; first += atOnce) {
        const some = due.slice(first, first + atOnce);
        const ran = await run(["push", "--object-id", "sesta", ...some], signal);
        if (ran.exitCode !== 0) return explainRemote(withOutput(ran), secret());
        for (const oid of some) await writeFile(join(sent, oid), "", { mode: 0o600 });
      }
      return undefined;
    },

    /**
     * Where the content of a pointer is on this machine; fetched when it is not here. Undefined when git-lfs is missing.
     * @throws RemoteError when the remote does not give it
     */
    async get(pointer: Pointer, signal?: AbortSignal): Promise<string | undefined> {
      const path = place(pointer.oid);
      if (await exists(path)) return path;
      if (!(await this.isInstalled())) return undefined;
      const ran = await smudge(pointer, signal);
      if (ran.exitCode !== 0 || !(await exists(path)))
        throw new RemoteError(explainRemote(withOutput(ran), secret()));
      await mkdir(sentFolder(), { recursive: true, mode: 0o700 });
      await writeFile(join(sentFolder(), pointer.oid), "", { mode: 0o600 });
      return path;
    },
  };

  // `fetch` wants a commit; a blob of one pointer in a tree of its own is one that needs nothing else.
  async function smudge(pointer: Pointer, signal: AbortSignal | undefined): Promise<GitRan> {
    const blob = await git.get(["hash-object", "-w", "--stdin"], { input: buildPointer(pointer) });
    const tree = await git.get(["mktree"], { input: `100644 blob ${blob}\tcontent\n` });
    const commit = await git.get(["commit-tree", tree, "-m", "content"], { env: someone });
    return run(["fetch", "sesta", commit], signal);
  }
}

/** What fails is tried again by whoever sends; git-lfs itself would go on for a minute (git-lfs-config(5)). */
const impatience = [
  "lfs.transfer.maxretries=1",
  "lfs.transfer.maxretrydelay=1",
  "lfs.dialtimeout=15",
].flatMap((setting) => ["-c", setting]);

const missing = "git-lfs is not installed on the machine of the workload";
export const missingHint = "Install git-lfs there, or set `lfs: false`.";

const someone = {
  GIT_AUTHOR_NAME: "Sesta",
  GIT_AUTHOR_EMAIL: "sesta@localhost",
  GIT_COMMITTER_NAME: "Sesta",
  GIT_COMMITTER_EMAIL: "sesta@localhost",
};

/** git-lfs wants a remote by name, and a path as a file URL. */
function remoteOf(repo: string): string[] {
  return ["-c", `remote.sesta.url=${repo.startsWith("/") ? `file://${repo}` : repo}`];
}

/** git-lfs tells some failures on stdout. */
function withOutput({ stdout, stderr, ...ran }: GitRan): GitRan {
  return { ...ran, stdout, stderr: `${stderr}\n${stdout}` };
}

async function copyHashed(from: string, to: string): Promise<{ oid: string; sizeBytes: number }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const target = await open(to, "wx", 0o600).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  try {
    for await (const part of source.createReadStream({ highWaterMark: partBytes }) as AsyncIterable<Buffer>) {
      hash.update(part);
      sizeBytes += part.length;
      await target.writeFile(part);
    }
    await target.sync();
  } finally {
    await target.close();
    await source.close();
  }
  return { oid: hash.digest("hex"), sizeBytes };
}

async function listObjects(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  return entries.flatMap((entry) => /(?:^|\/)([0-9a-f]{64})$/.exec(entry)?.[1] ?? []);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
