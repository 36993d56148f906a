// Git for saving: the variables of every git that Sesta runs, and its commands in a repository of Sesta's own.

type Argv = readonly [program: string, ...operands: string[]];

/** The newest save of the workspace. */
export const workRef = "refs/sesta/work";
/** The last commit that the remote confirmed under the branch that saves go to. */
export const confirmedRef = "refs/sesta/confirmed";

/**
 * Of a variable that reaches git from outside, only how to reach remotes; a repository of somebody's never, and no trace,
 * which could hold the token.
 */
const passedOn =
  /^GIT_(?:SSH$|SSH_COMMAND$|SSH_VARIANT$|PROXY_COMMAND$|SSL_|PROXY_SSL_|HTTP_|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)$)/;

/**
 * What git is started with. The user's own configuration counts, since it says how remotes are reached; what in it
 * would run programs or change content does not (git-config(1): -c comes after every file).
 * @param env of this machine
 */
export function buildGitEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const own = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (!entry[0].startsWith("GIT_") || passedOn.test(entry[0])),
  );
  return {
    ...Object.fromEntries(own.filter(([name]) => name !== "SSH_ASKPASS")),
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    SSH_ASKPASS_REQUIRE: "never",
    GCM_INTERACTIVE: "never",
    GIT_TRACE2: "0", // over trace2.* of the user's configuration
    GIT_TRACE2_EVENT: "0",
    GIT_TRACE2_PERF: "0",
    GIT_OPTIONAL_LOCKS: "0",
    LC_ALL: "C",
  };
}

/** The ssh of whoever names none (GIT_SSH_COMMAND, GIT_SSH, core.sshCommand): it does not ask, and notices a dead line. */
export const sshCommand =
  "ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4";

/** Which of git's ways to reach a remote are allowed: none that names a program to run (git(1): GIT_ALLOW_PROTOCOL). */
export const remoteProtocols = "file:git:http:https:ssh";

const settings = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.fsync=committed,loose-object,reference",
  "core.compression=1",
  "gc.auto=0",
  "maintenance.auto=false",
  "fetch.recurseSubmodules=false",
  "push.recurseSubmodules=no",
  "push.followTags=false",
  "push.gpgSign=false",
  "push.pushOption=", // an empty one drops those that were named before (git-config(1))
  "push.negotiate=false",
  "protocol.version=2",
  "core.quotePath=false",
  "http.lowSpeedLimit=1", // a remote that works on a push says so every 5 s (receive.keepAlive in git-config(1))
  "http.lowSpeedTime=60",
] as const;

/** A command of git in the repository `gitDir`, which is bare. */
export function buildGit(gitDir: string, ...operands: string[]): Argv {
  return ["git", `--git-dir=${gitDir}`, ...settings.flatMap((setting) => ["-c", setting]), ...operands];
}

/**
 * The same for a program behind git that opens other repositories too: git would name this one to it in GIT_DIR, and
 * git-lfs takes that for the remote's as well.
 */
export function buildGitWithin(gitDir: string, ...operands: string[]): Argv {
  const found = [...settings, "safe.bareRepository=all"];
  return ["git", "-C", gitDir, ...found.flatMap((setting) => ["-c", setting]), ...operands];
}

/** The variables that carry a token to git's credential helper, so that it is in no URL, argument or file. */
export function buildTokenEnv(token: string | undefined): Record<string, string> {
  if (token === undefined) return {};
  return {
    SESTA_GIT_TOKEN: token,
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_0: "credential.helper",
    GIT_CONFIG_VALUE_0: "", // an empty one drops those that were named before (gitcredentials(7))
    GIT_CONFIG_KEY_1: "credential.helper",
    GIT_CONFIG_VALUE_1: tokenHelper,
  };
}

// A user name in the URL stays; GitHub and GitLab take any beside a token. `store` and `erase` are not answered.
const tokenHelper =
  '!f() { test "$1" = get || return 0; while IFS= read -r line && test -n "$line"; do ' +
  'case "$line" in username=*) user=${line#username=};; esac; done; ' +
  'printf "username=%s\\npassword=%s\\n" "${user:-x-access-token}" "$SESTA_GIT_TOKEN"; }; f';
