// Why a remote could not be used, read from what git, curl, ssh and the remote wrote to stderr.
import { SestaError } from "../../../base/errors.ts";
import { listOwnLines, listRemoteLines, quoteRemote } from "./remote-words.ts";

export type RemoteTrouble = {
  kind: "token" | "unreachable" | "disk" | "git" | "refused";
  message: string;
  hint: string;
  /** The repository answers and has no branch of that name. */
  noBranch?: true;
};

/** Its code is SAVE_REMOTE. */
export class RemoteError extends SestaError {
  readonly kind: RemoteTrouble["kind"];
  readonly noBranch: boolean;

  constructor({ kind, message, hint, noBranch }: RemoteTrouble) {
    super("SAVE_REMOTE", message, { hint });
    this.kind = kind;
    this.noBranch = noBranch === true;
  }
}

/** Pure. @param said what a git that failed wrote; `silent`: it was stopped because nothing moved */
export function explainRemote(
  said: { exitCode: number; stderr: string; silent?: boolean },
  token?: string,
): RemoteTrouble {
  const own = listOwnLines(said.stderr);
  const theirs = listRemoteLines(said.stderr);
  if (own.some((line) => noSuchRef.test(line))) {
    return { kind: "git", message: "the repository does not have this branch", hint: again, noBranch: true };
  }
  if (said.silent) return { kind: "unreachable", message: "the repository stopped answering", hint: again };
  const texts = { own: own.join("\n"), theirs: theirs.join("\n") };
  for (const { kind, at, words, message, hint } of causes) {
    const lines = at === "any" ? [...theirs, ...own] : at === "own" ? own : theirs;
    if (!words.test(at === "any" ? `${texts.theirs}\n${texts.own}` : texts[at])) continue;
    const evidence =
      theirs.length > 0 && at !== "own" ? theirs.join("; ") : lines.find((line) => words.test(line));
    return { kind, message: `${message}: ${quoteRemote(strip(evidence ?? ""), token)}`, hint };
  }
  const last = quoteRemote(strip(own.findLast((line) => !vague.test(line)) ?? theirs.at(-1) ?? ""), token);
  return {
    kind: "git",
    message: last === "" ? `git did not finish (exit code ${said.exitCode})` : `git did not finish: ${last}`,
    hint: "Run `git ls-remote` with its address on the machine of the workload to see more.",
  };
}

type Cause = {
  kind: RemoteTrouble["kind"];
  /** Whose words count. */
  at: "own" | "theirs" | "any";
  words: RegExp;
  message: string;
  hint: string;
};

const again = "It is tried again by itself.";
const noSpace = /no space left on device|disk quota exceeded|read-only file system/i;

/** The first that fits. The words are those of git, libcurl, OpenSSH, GitHub, GitLab and Gitea. */
const causes: readonly Cause[] = [
  {
    kind: "disk",
    at: "theirs",
    words: noSpace,
    message: "the repository's disk is full",
    hint: "Free some space where the repository is.",
  },
  {
    kind: "disk",
    at: "own",
    words: noSpace,
    message: "a disk is full",
    hint: "Free some space on the disk that the message names.",
  },
  {
    kind: "refused",
    at: "any",
    words:
      /archived so it is read-only|has been (?:archived|disabled)|account is suspended|over its data quota|repository .*exceeded its size limit/i,
    message: "the repository takes no saves",
    hint: "Look at the repository in the browser, or name another one under `save`.",
  },
  {
    kind: "refused",
    at: "any",
    words: /\b(?:error: |HTTP(?: code)? ?=? ?)413\b|pack exceeds maximum allowed size/i,
    message: "the repository does not take a push of this size",
    hint: "Set `save: { max_file }` lower, or `lfs: true`.",
  },
  {
    kind: "token",
    at: "any",
    words: /host key verification failed|remote host identification has changed/i,
    message: "the host key of the repository's machine is not known",
    hint: "Connect once with ssh on the machine of the workload, and compare the key.",
  },
  {
    kind: "unreachable",
    at: "own",
    words:
      /could not resolve host|failed to connect|couldn't connect|unable to connect|connection (?:refused|timed out|reset|closed)|operation timed out|timed out after|operation too slow|network is unreachable|no route to host|temporary failure in name resolution|name or service not known|nodename nor servname|empty reply from server|unable to look up|ssl connect error|proxy connect aborted|could not resolve proxy/i,
    message: "the repository cannot be reached",
    hint: again,
  },
  {
    kind: "unreachable",
    at: "own",
    words: /certificate|gnutls_handshake|ssl_error|SSL routines/i,
    message: "the certificate of the repository's machine was not accepted",
    hint: "Check the clock of the machine, and git's `http.sslCAInfo`.",
  },
  {
    kind: "token",
    at: "any",
    words:
      /authentication failed|could not read (?:username|password)|access denied|invalid username or (?:password|token)|invalid credentials|permission (?:to .* )?denied|returned error: 40[13]|write access to repository not granted|not allowed to (?:push|upload|download|write)|marked as read only|too many authentication failures|SAML SSO|does not support push|insufficient (?:scope|permission)|unauthorized/i,
    message: "the repository does not accept the token or key",
    hint: "Give a token that may read and write the repository, under `save: { token }`.",
  },
  {
    kind: "token",
    at: "any",
    words:
      /repository not found|repository '[^']*' not found|returned error: 404|project you were looking for could not be found|repository not exported/i,
    message: "the repository does not exist there, or is not shown to you",
    hint: "Check `save: { repo }`, and that its token may read and write it.",
  },
  {
    kind: "refused",
    at: "any",
    words: /service not enabled/i,
    message: "the repository takes no saves",
    hint: "Allow pushes there (`git daemon --enable=receive-pack`), or use https or ssh.",
  },
  {
    kind: "unreachable",
    at: "any",
    words:
      /returned error: (?:408|429|5\d\d)|HTTP(?: code)? ?=? ?(?:408|429|5\d\d)|hung up|early EOF|unexpected disconnect|RPC failed|internal server error|bad band|protocol error|broken pipe|unexpected end|pack-objects died/i,
    message: "the connection to the repository broke off",
    hint: again,
  },
  {
    kind: "unreachable",
    at: "own",
    words: /does not appear to be a git repository|no such file or directory/i,
    message: "there is no repository at this address",
    hint: "Check `save: { repo }`. For a folder: `git init --bare PATH` makes one; a disk may not be mounted.",
  },
];

/** In git's words, fetch-pack.c and builtin/fetch.c. */
const noSuchRef = /couldn't find remote ref/i;

const vague =
  /^(?:fatal: could not read from remote repository|please make sure|and the repository exists|error: failed to push)/i;

function strip(line: string): string {
  return line.replace(/^(?:fatal|error|ERROR): /, "");
}
