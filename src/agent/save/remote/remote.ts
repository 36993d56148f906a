// The remote of one workload's saves: which branch, what it holds, and getting commits there without ever forcing.
import type { Clock } from "../../../base/clock.ts";
import { confirmedRef, workRef } from "../../../commands/git.ts";
import type { SaveRule } from "../../../model/launch.ts";
import type { Git, GitOptions, GitRan } from "../git.ts";
import { createLfs } from "./lfs.ts";
import { outcomeOf, readPush, type PushOutcome } from "./push-outcome.ts";
import { explainRemote, RemoteError } from "./remote-trouble.ts";

export { RemoteError } from "./remote-trouble.ts";
export type { PushOutcome } from "./push-outcome.ts";

export type RemoteOptions = { git: Git; rule: () => SaveRule; token: () => string | undefined; clock: Clock };

export type Remote = ReturnType<typeof createRemote>;

/** Git shows its progress every second; a remote that works without a word for this long is given up. */
const silenceMs = 120_000;

/** Every method rejects with the signal's reason when it aborts, and with RemoteError when the remote cannot be used. */
export function createRemote({ git, rule, token, clock }: RemoteOptions) {
  const secret = () => (carriesToken(rule().repo) ? token() : undefined);

  async function visit(
    operands: readonly string[],
    signal: AbortSignal | undefined,
    options: GitOptions = {},
  ): Promise<GitRan> {
    const env = await git.reach();
    const ran = await git.run(operands, { ...options, token: secret(), env, silenceMs, signal });
    signal?.throwIfAborted();
    return ran;
  }

  async function list(operands: readonly string[], signal: AbortSignal | undefined): Promise<RemoteRefs> {
    const ran = await visit(["ls-remote", "--symref", "--", rule().repo, ...operands], signal);
    if (ran.exitCode === 0) return parseRefs(ran.stdout);
    throw new RemoteError(explainRemote(ran, secret()));
  }

  const lfs = createLfs({ git, rule, visit, secret });

  return {
    /** For files that are kept in Git LFS, where the rule wants that. */
    lfs,

    /**
     * Which branch saves go to, and its tip; null: the branch is not there. The branch is the rule's, else the remote's
     * HEAD, else `main`.
     */
    async look(signal?: AbortSignal): Promise<{ branch: string; tip: string | null }> {
      const named = rule().branch;
      const { head, tips } = await list(["HEAD", headsOf(named ?? "main")], signal);
      const branch = named ?? head ?? (await findUnbornHead(rule().repo)) ?? "main";
      const tip = tips.get(headsOf(branch)) ?? (branch === head ? tips.get("HEAD") : undefined);
      return { branch, tip: tip ?? null };
    },

    /** Fetches one branch, without tags, into a ref of our own. Its tip. */
    async fetch(branch: string, signal?: AbortSignal): Promise<string> {
      const ref = trackingRef(branch);
      const ran = await visit(
        [
          "fetch",
          "--progress",
          "--no-tags",
          "--no-write-fetch-head",
          "--no-auto-maintenance",
          "--",
          rule().repo,
          `+${headsOf(branch)}:${ref}`,
        ],
        signal,
      );
      if (ran.exitCode !== 0) throw new RemoteError(explainRemote(ran, secret()));
      return git.get(["rev-parse", "--verify", `${ref}^{commit}`]);
    },

    /** Pushes a commit to a branch, after the large files that it needs. What the remote confirms is kept in a ref. */
    async push(commit: string, branch: string, signal?: AbortSignal): Promise<PushOutcome> {
      const unsent = await lfs.send(signal);
      if (unsent) return outcomeOf(unsent);
      const ref = headsOf(branch);
      const said = await visit(
        ["push", "--porcelain", "--progress", "--no-verify", "--", rule().repo, `${commit}:${ref}`],
        signal,
      );
      const read = readPush(said, { ref, token: secret() });
      const outcome =
        read.kind === "refused"
          ? readPush(said, { ref, token: secret(), pushed: await listPushed(git, commit) })
          : read;
      if (outcome.kind === "confirmed") await git.get(["update-ref", confirmedRef, commit]);
      return outcome;
    },

    /**
     * A branch of the workload's own for when its branch has moved: `sesta/WORKLOAD/YYYY-MM-DD` (UTC), `-2`, `-3` where
     * that name is taken by commits that ours do not stand on.
     */
    async nameBeside(workload: string, now = clock.now(), signal?: AbortSignal): Promise<string> {
      const { tips } = await list([headsOf("sesta"), headsOf("sesta/*")], signal);
      const taken = [...tips.keys()];
      const date = new Date(now).toISOString().slice(0, 10);
      // A branch `sesta` leaves no room for `sesta/…` (gitglossary(7): refs are files and folders).
      const blocked = tips.has(headsOf("sesta")) || tips.has(headsOf(`sesta/${workload}`));
      const stem = blocked ? `sesta-${workload}-${date}` : `sesta/${workload}/${date}`;
      for (let count = 1; ; count += 1) {
        const name = count === 1 ? stem : `${stem}-${count}`;
        const tip = tips.get(headsOf(name)) ?? (blocked ? await findTip(name, signal) : undefined);
        if (taken.some((other) => other.startsWith(`${headsOf(name)}/`))) continue;
        if (tip === undefined || (await isOurs(git, tip))) return name;
      }
    },
  };

  /** Of an empty repository in a folder; one that is reached otherwise does not say its default branch to ls-remote. */
  async function findUnbornHead(repo: string): Promise<string | undefined> {
    if (!repo.startsWith("/")) return undefined;
    const { exitCode, stdout } = await git.run([`--git-dir=${repo}`, "symbolic-ref", "--short", "HEAD"]);
    return exitCode === 0 ? stdout.trim() : undefined;
  }

  async function findTip(branch: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    return (await list([headsOf(branch)], signal)).tips.get(headsOf(branch));
  }
}

/** The token is for what git reaches through curl, or could by `url.insteadOf`; programs behind a path get none. */
function carriesToken(repo: string): boolean {
  return !/^(?:\/|\.|file:|git:)/i.test(repo);
}

export function trackingRef(branch: string): string {
  return `refs/sesta/remote/${branch}`;
}

function headsOf(branch: string): string {
  return `refs/heads/${branch}`;
}

type RemoteRefs = { head: string | undefined; tips: Map<string, string> };

// Its patterns match at the end of names too (git-ls-remote(1)): only whole names are looked up afterwards.
function parseRefs(stdout: string): RemoteRefs {
  let head: string | undefined;
  const tips = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const [left = "", name = ""] = line.split("\t");
    const target = /^ref: refs\/heads\/(.+)$/.exec(left)?.[1];
    if (target !== undefined && name === "HEAD") head = target;
    else if (/^[0-9a-f]{40,64}$/.test(left)) tips.set(name, left);
  }
  return { head, tips };
}

/** Whether a remote's commit is one that the newest save stands on. */
async function isOurs(git: Git, tip: string): Promise<boolean> {
  const { exitCode } = await git.run(["merge-base", "--is-ancestor", tip, workRef]);
  return exitCode === 0;
}

/** Object ids by path of what the remote had not confirmed before. */
async function listPushed(git: Git, commit: string): Promise<Map<string, string>> {
  const known = await git.run(["rev-parse", "--verify", "--quiet", confirmedRef]);
  const not = known.exitCode === 0 ? [`^${known.stdout.trim()}`] : [];
  const { stdout } = await git.run(["rev-list", "--objects", commit, ...not]);
  const lines = stdout
    .split("\n")
    .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]);
  return new Map(
    lines.flatMap(([oid = "", path = ""]) => (oid !== "" && path !== "" ? [[path, oid] as const] : [])),
  );
}
