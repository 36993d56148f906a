// A machine: one computer that Sesta can run commands on. Everything that configures goes through this.
import type { Readable, Writable } from "node:stream";
import type { Identity } from "./identity.ts";

export type Argv = readonly [program: string, ...operands: string[]];

export type RunOptions = {
  cwd?: string;
  /** Added to the machine's own environment; `undefined` removes a variable. */
  env?: Readonly<Record<string, string | undefined>>;
  input?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Each line of stdout and stderr as it comes, for progress. */
  onLine?: (line: string) => void;
};

export type Ran = { exitCode: number; stdout: string; stderr: string };

export type StartOptions = {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** File that stdout and stderr are appended to. */
  logFile: string;
  /** Folder that marks this start: a second start with the same one does nothing and finds the first. */
  claim: string;
};

export type Facts = {
  system: "linux" | "darwin";
  arch: string;
  cores: number;
  memoryBytes: number;
  /** The user's home folder, absolute. */
  home: string;
  user: string;
  /** Its own name for itself. */
  hostname: string;
  /** Models of the NVIDIA GPUs that it shows, one entry each. */
  gpus: readonly string[];
};

/** A program that runs on the machine now, with its streams here. */
export type Process = {
  stdin: Writable;
  /** Both end with the program; what it left behind is heard for 2 s more. */
  stdout: Readable;
  stderr: Readable;
  /** With what ended it: its exit code, 128 or more when a signal did. @throws SestaError SSH_CONNECTION when the connection broke */
  ended: Promise<{ exitCode: number }>;
  /** TERM to it and all that it started, KILL to what is left after a while; `ended` still settles. */
  stop(): void;
};

export type OpenOptions = Pick<RunOptions, "cwd" | "env" | "signal">;

export type TransferOptions = {
  signal?: AbortSignal;
  /** Bytes that have gone over so far, and how many there will be; at least at the beginning and the end. */
  onProgress?: (doneBytes: number, totalBytes: number) => void;
};

export type Upload = {
  /** Absolute, on this machine. */
  folder: string;
  /** Regular files and links in it, relative; their folders are made. Links go as links, modes are kept. */
  files: readonly string[];
};

export type Transferred = { files: number; bytes: number };

export type Fetched = Transferred & {
  /** Relative to `from`; what was left out and why: links, devices, names that lead out. */
  skipped: readonly { path: string; why: string }[];
  /** Patterns that matched nothing. */
  missing: readonly string[];
};

export type Forward = {
  /** Here: a TCP port on loopback, or the path of a Unix socket that only its owner can open. */
  port?: number;
  path?: string;
  close(): Promise<void>;
};

export type Machine = {
  /** As the project file names it: "local", or the host. */
  readonly name: string;
  /**
   * Runs to the end, whatever the exit code.
   * @throws SestaError COMMAND_MISSING when the program does not exist, COMMAND_FAILED on a timeout
   */
  run(argv: Argv, options?: RunOptions): Promise<Ran>;
  /** Starts something that outlives this process, in a session of its own; idempotent by `claim`. */
  start(argv: Argv, options: StartOptions): Promise<Identity>;
  /** Starts something that ends with this process or with `stop`. Its output is never held in memory as a whole. */
  open(argv: Argv, options?: OpenOptions): Promise<Process>;
  /** Gives it this terminal until it ends: for `ssh` and `exec`. With no argv, the user's own shell. */
  interact(argv: Argv | undefined, options: { cwd?: string; tty: boolean }): Promise<{ exitCode: number }>;
  /** Files by path below `to`, each written whole or not at all, readable by their owner only. */
  put(files: Readonly<Record<string, string>>, to: string): Promise<void>;
  /**
   * Many or large files into the folder `to`, which is made. Begun again after a break it goes on; what `to` has
   * already is not sent again. The caller gives a folder that nobody reads before this has returned.
   * @param options.similar a folder on the machine whose unchanged files may be linked into `to` instead of sent
   */
  upload(source: Upload, to: string, options?: TransferOptions & { similar?: string }): Promise<Transferred>;
  /**
   * Files below `from` that match `patterns` (paths; `*` and `?` within one name; a folder means all in it), into
   * `into` here, each whole or not at all, over what is there. Never follows a link, never writes outside of `into`.
   * @throws SestaError FETCH_TOO_LARGE beyond 100,000 files or `maxBytes`
   */
  get(
    from: string,
    patterns: readonly string[],
    into: string,
    options?: TransferOptions & { maxBytes?: number },
  ): Promise<Fetched>;
  /**
   * What listens on the machine, a loopback port or the path of a Unix socket, is reached here.
   * @param here what is to lead to it; without it the same as there. On this machine nothing has to lead to anything.
   */
  forward(to: { port: number } | { path: string }, here?: "port" | "path"): Promise<Forward>;
  /**
   * A loopback port of this machine is reached there, at the port in the answer.
   * @param there the port that is wanted there; without it a free one
   */
  expose(port: number, there?: number): Promise<Forward>;
  freeBytes(path: string): Promise<number>;
  facts(): Promise<Facts>;
  /** Lets go of what this process holds; a connection that others share stays. */
  close(): Promise<void>;
};
