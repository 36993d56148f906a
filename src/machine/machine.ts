// A machine: one computer that Sesta can run commands on. Everything that configures goes through this.
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
};

export type Machine = {
  readonly name: string;
  /**
   * Runs to the end, whatever the exit code.
   * @throws SestaError COMMAND_MISSING when the program does not exist, COMMAND_FAILED on a timeout
   */
  run(argv: Argv, options?: RunOptions): Promise<Ran>;
  /** Starts something that outlives this process, in a session of its own; idempotent by `claim`. */
  start(argv: Argv, options: StartOptions): Promise<Identity>;
  /** Files by path below `to`, each written whole or not at all, readable by their owner only. */
  put(files: Readonly<Record<string, string>>, to: string): Promise<void>;
  freeBytes(path: string): Promise<number>;
  facts(): Promise<Facts>;
};
