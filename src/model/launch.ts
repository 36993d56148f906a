// A launch: what a workload needs, said without naming a target. Workloads build it, targets and agents consume it.
import type { Template } from "./template.ts";
import type { WorkloadType } from "./words.ts";

export type Launch = {
  name: string;
  type: WorkloadType;
  /** How sentences name it: "Jupyter Lab". */
  title: string;
  environment?: PythonEnvironment;
  process: ProcessSpec;
  door: Door;
  idle: IdleRule;
  /** Where the workspace is saved; without it, nowhere. */
  save?: SaveRule;
  /** Secrets that it reads from files in the folder that it keeps, by the file's name; `up` puts them there. */
  keptSecrets?: Readonly<Record<string, string>>;
  /** How its own data is backed up, into its workspace; without it, it has none. */
  backup?: BackupRule;
  /** The folder that people own; relative to the project. Never removed. Of a service: "", as each release has its own. */
  workspace: string;
  /** What only a service has: replicas, and a balancer in front of them. */
  service?: ServiceRule;
};

export type ServiceRule = {
  replicas: number;
  /** Where people reach it, on its machine. */
  listen: { host: string; port: number };
  /** SHA-256 of the token that every request shows, as 64 hexadecimal digits; null: open to whoever reaches it. */
  tokenDigest: string | null;
  health: HealthRule;
  /** Of a request while it wakes, in milliseconds. */
  holdMs: number;
  /** How long requests to an old release may take to end, in milliseconds. */
  drainMs: number;
  /** How long it may take to begin its answer, in milliseconds. */
  responseMs: number;
  maxBodyBytes: number;
  /** Any request may be sent to another replica where its own died before it answered; else those whose method says so. */
  repeatsAll: boolean;
  /** Where the balancer tells Prometheus how it goes; null: nowhere. */
  metricsPath: string | null;
  memoryBytes: number | null;
  cpus: number | null;
  container: ServiceContainer | null;
  /** SHA-256 of the certificate that its port speaks TLS with, kept beside each release; null: none is. */
  tls: string | null;
  /** The name by which people reach it, over TLS; its port may have several. Without one it answers to any. */
  domain: Domain | null;
};

export type Domain = {
  name: string;
  /** Null where the certificate is kept beside each release. */
  acme: AcmeRule | null;
};

/** How a certificate is had from a CA by ACME (RFC 8555), with the challenge `http-01`. */
export type AcmeRule = {
  /** The CA's directory. */
  directory: string;
  email: string | null;
  /** Where its question arrives, which it sends to port 80 of the domain. */
  port: number;
  /** Node and the program that asks it, on the machine; empty until somebody deploys. */
  program: readonly string[];
};

export type ServiceContainer = {
  /** How docker or podman is called: one word, or several where sudo is needed. */
  engine: readonly string[];
  /** Its id, `sha256:` and 64 hexadecimal digits, so that a release stays what it was. */
  image: string;
  /** Where the app listens in it. */
  appPort: number;
  /** Whether the engine has a process 1 of its own for it. */
  init: boolean;
  /** A label of the images that were built for this service; null: it was pulled, and may be anybody's. */
  label: string | null;
  /** Names of images that stay when the service goes: what it is built on, or what was pulled. */
  bases: readonly string[];
};

export type HealthRule = {
  path: string;
  startMs: number;
  everyMs: number;
  timeoutMs: number;
  /** After so many failures in a row it gets no more requests, after twice as many it is started again. */
  failures: number;
};

export type PythonEnvironment = {
  /** A version as in "3.12", or a range of them as in ">=3.10,<3.15". */
  python: string;
  /** Sesta's own requirements, pinned and hashed, none where the user's stand alone; in what is remembered of a launch, only their digest. */
  locked: string;
  /** The user's requirement specifiers, resolved against `locked` as constraints. */
  packages: readonly string[];
  /** Lines of the user's requirements file. */
  requirements: readonly string[];
};

export type ProcessSpec = {
  argv: readonly Template[];
  env: Readonly<Record<string, Template>>;
  /** Files written (0600) into the runtime folder before each start, by name. */
  files: Readonly<Record<string, string>>;
  /** The process has bound its port when this file exists in the runtime folder. `{ pid }` in the name is filled in. */
  boundFile?: string;
  /** A POST here asks it to end by itself; SIGTERM asks where there is none. */
  stopPath?: string;
  /** How long it may take to answer, in milliseconds. */
  startTimeoutMs: number;
  /** How long it has to end by itself when asked, in milliseconds. */
  stopGraceMs: number;
};

export type Door = {
  /** Where a person lands: "/lab". */
  home: string;
  /** Answers 200 when the workload is awake. */
  healthPath: string;
  /** How the process is shown its token: `Authorization: SCHEME TOKEN`; without it, it has none. */
  tokenScheme?: "token" | "Bearer";
  /** Programs come in too, with `Authorization: Bearer`; they wake it, and are held until it answers. */
  programs?: true;
  /** The secret that guards it, by name; without one only `open` lets in. */
  password?: string;
  /** The port asked for in the project file. */
  port?: number;
};

export type IdleRule = {
  /** `null`: never sleeps by itself. */
  idleMs: number | null;
  maxAwakeMs: number | null;
  /** Where evidence of use comes from, beside what the front door sees. */
  evidence: "jupyter" | "none";
  /** More that counts as use, as the user wishes. */
  keepAwake?: KeepAwake;
};

export type KeepAwake = {
  /**
   * In use while its processes take at least this much of one core, in percent, over the whole of `forMs`; without the
   * server itself where that is Jupyter's.
   */
  cpuPercent?: number;
  /** In use while any GPU was at least this busy, in percent, over the whole of `forMs`. */
  gpuPercent?: number;
  forMs: number;
  /** The user's own, given to `sh -c` in the workspace: exit 0 is use, 1 is none, anything else is unknown. */
  command?: string;
};

export type BackupRule = {
  /** The command that makes one; it gets why as its last operand, and a passphrase as its input. */
  make: readonly Template[];
  /** The command that brings one back while it is asleep; it gets the file as its last operand. */
  restore: readonly Template[];
  /** `null`: none by itself. */
  everyMs: number | null;
  /** The secret that encrypts them, by name. */
  passphrase?: string;
  /** What of its data is not with it, and stays when it goes. */
  elsewhere?: {
    /** Backups hold it all the same. */
    database: boolean;
    /** Where; no backup holds them. `null`: they are with it. */
    artifacts: string | null;
  };
};

export type SaveRule = {
  /** Anything that git accepts as a remote; absolute when it is a path. Never holds a token. */
  repo: string;
  /** `null`: the remote's own default branch, `main` where it has none. */
  branch: string | null;
  /** The secret that holds the token, by name. */
  token?: string;
  /** Patterns as in .gitignore; what they name is saved whatever else ignores it. */
  include: readonly string[];
  /** Patterns as in .gitignore, beside the defaults and the .gitignore files of the workspace. */
  exclude: readonly string[];
  /** A larger file is set aside, or goes through Git LFS. */
  maxFileBytes: number;
  /** Under constant writing a save begins this often, in milliseconds. */
  everyMs: number;
  lfs: boolean;
  /** Of the commits; without it git's own user, or Sesta. */
  author?: { name: string; email: string };
};
