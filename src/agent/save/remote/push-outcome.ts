// Reads what git and the remote said of a push, or of another visit to the remote.
import { explainRemote, type RemoteTrouble } from "./remote-trouble.ts";
import { findNamedFiles } from "./named-files.ts";
import { listRemoteLines, quoteRemote } from "./remote-words.ts";

export type PushOutcome =
  | { kind: "confirmed" }
  /** The branch has commits that ours does not. */
  | { kind: "moved" }
  /** By a hook, a rule, a protected branch, a size limit. `files`: those that the remote named, as paths. */
  | { kind: "refused"; message: string; hint: string; files: string[] }
  | { kind: "token" | "unreachable" | "disk" | "git"; message: string; hint: string };

export type PushSaid = {
  exitCode: number;
  /** Of `git push --porcelain`. */
  stdout: string;
  stderr: string;
  /** Stopped because nothing moved. */
  silent?: boolean;
};

export type PushRead = {
  /** The full name of the branch at the remote. */
  ref: string;
  token?: string | undefined;
  /** Object ids by path of what was pushed; a remote that names an object id means its path. */
  pushed?: ReadonlyMap<string, string>;
};

/** Pure. Confirmed only by git's own word for exactly this branch (git-push(1): OUTPUT). */
export function readPush(said: PushSaid, { ref, token, pushed }: PushRead): PushOutcome {
  const status = findStatus(said.stdout, ref);
  if (status && said.exitCode === 0 && /^[ *=]$/.test(status.flag)) return { kind: "confirmed" };
  if (status?.flag === "!") {
    const { reason } = status;
    if (reason.startsWith("[rejected]") || isRace(said.stderr)) return { kind: "moved" };
    const trouble = explainRemote(said, token);
    if (trouble.kind === "disk") return outcomeOf(trouble);
    if (reason.startsWith("[remote failure]")) return lost(reason);
    if (/failed to update ref|cannot lock ref|failed to lock|internal server error/i.test(reason)) {
      return { kind: "git", message: refusal(reason, said.stderr, token), hint: lockHint };
    }
    const files = findNamedFiles(`${said.stderr}\nremote: ${reason}`, pushed);
    return { kind: "refused", message: refusal(reason, said.stderr, token), hint: hintOf(files), files };
  }
  return outcomeOf(explainRemote(said, token));
}

const lockHint = "If it stays so, look into the repository itself: another git may have left a lock there.";

type Status = { flag: string; reason: string };

// "!\tFROM:TO\t[remote rejected] (why)"; the summary of a branch that moved on has no brackets.
function findStatus(stdout: string, ref: string): Status | undefined {
  for (const line of stdout.split("\n")) {
    const [flag = "", names = "", reason = ""] = line.split("\t");
    if (flag.length === 1 && names.endsWith(`:${ref}`)) return { flag, reason };
  }
  return undefined;
}

/** Somebody else pushed between git's look and its write; `[new branch]` can meet one that has just come. */
function isRace(stderr: string): boolean {
  return /cannot lock ref .*(?:but expected|reference already exists)/.test(stderr);
}

function refusal(reason: string, stderr: string, token: string | undefined): string {
  const why = /\((.*)\)\s*$/.exec(reason)?.[1] ?? reason;
  const words = quoteRemote(listRemoteLines(stderr).join("; "), token);
  return `the repository refused the save (${quoteRemote(why, token)})${words && `: ${words}`}`;
}

function hintOf(files: readonly string[]): string {
  return files.length === 0
    ? "Look at the rules and hooks of the repository, or name another branch under `save`."
    : "Take the named files out of the workspace, or leave them out under `save: { exclude }`.";
}

function lost(reason: string): PushOutcome {
  const message =
    `the repository did not say whether it took the save ${reason.replace(/^\[.*?\]\s*/, "")}`.trim();
  return { kind: "unreachable", message, hint: "It is tried again." };
}

/** A push that did not come as far as the branch. */
export function outcomeOf({ kind, message, hint }: RemoteTrouble): PushOutcome {
  return kind === "refused" ? { kind, message, hint, files: [] } : { kind, message, hint };
}
