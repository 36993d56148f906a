// Git in the repository of one workload's saves: run to its end, or piped.
import { SestaError } from "../../base/errors.ts";
import {
  buildGit,
  buildGitEnv,
  buildGitWithin,
  buildTokenEnv,
  remoteProtocols,
  sshCommand,
} from "../../commands/git.ts";
import { openPipe, type Pipe } from "../../machine/pipe.ts";

export type GitOptions = {
  input?: string | Uint8Array;
  signal?: AbortSignal | undefined;
  /** For what reaches the remote. */
  token?: string | undefined;
  /** More variables. */
  env?: Readonly<Record<string, string>>;
  /** TERM after this long. */
  timeoutMs?: number;
  /** TERM when it has said nothing on stderr for this long. */
  silenceMs?: number;
  /** Does not name the repository to what git runs; see `buildGitWithin`. */
  unnamed?: boolean;
};

export type GitRan = { exitCode: number; stdout: string; stderr: string; silent: boolean };

export type Git = ReturnType<typeof createGit>;

/**
 * @param folder the bare repository; outside the workspace, and nobody else's
 * @param env of this machine
 */
export function createGit(folder: string, env: Readonly<Record<string, string | undefined>>) {
  const base = buildGitEnv(env);
  const pipe = (operands: readonly string[], options: GitOptions = {}): Pipe =>
    openPipe((options.unnamed ? buildGitWithin : buildGit)(folder, ...operands), {
      env: { ...base, GIT_ALLOW_PROTOCOL: remoteProtocols, ...buildTokenEnv(options.token), ...options.env },
      ...signalOf(options),
      ...(options.silenceMs !== undefined && { silenceMs: options.silenceMs }),
    });

  return {
    folder,
    pipe,
    /** Whatever the exit code. `stdout` is UTF-8. */
    async run(operands: readonly string[], options: GitOptions = {}): Promise<GitRan> {
      const { stdin, stdout, ended } = pipe(operands, options);
      stdin.end(options.input ?? "");
      const parts: Buffer[] = [];
      for await (const part of stdout) parts.push(part as Buffer);
      return { ...(await ended), stdout: Buffer.concat(parts).toString("utf8") };
    },
    /** What it printed, without the last line end. @throws SestaError COMMAND_FAILED on another exit code than 0 */
    async get(operands: readonly string[], options: GitOptions = {}): Promise<string> {
      const { exitCode, stdout, stderr } = await this.run(operands, options);
      if (exitCode === 0) return stdout.replace(/\n$/, "");
      throw new SestaError("COMMAND_FAILED", `git ${operands[0]} failed: ${lastLine(stderr)}`);
    },
    /** The variables for reaching a remote: the user's own ssh where one is named (git(1): GIT_SSH_COMMAND). */
    async reach(): Promise<Record<string, string>> {
      if ("GIT_SSH" in base || "GIT_SSH_COMMAND" in base) return {};
      const { exitCode } = await this.run(["config", "--get", "core.sshCommand"]);
      return exitCode === 0 ? {} : { GIT_SSH_COMMAND: sshCommand };
    },
  };
}

function signalOf({ signal, timeoutMs }: GitOptions): { signal?: AbortSignal } {
  const limit = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
  const all = [...(signal ? [signal] : []), ...limit];
  return all.length === 0 ? {} : { signal: AbortSignal.any(all) };
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
