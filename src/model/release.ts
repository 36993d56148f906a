// A release: one deployed version of a service, as its machine keeps it.

/** `replaced` was live once and can be live again; `failed` never was. */
export type ReleaseState = "starting" | "live" | "replaced" | "failed";

/** A figure that a pipeline measured. */
export type Figure = { name: string; value: string; min?: string; max?: string };

/** Where a release comes from. */
export type ReleaseFacts = {
  /** Of what runs: the tree and its environment, or the image. `sha256:` and 64 hexadecimal digits. */
  digest: string;
  commit: string | null;
  /** Whether the tree differed from the commit; null where there is none. */
  dirty: boolean | null;
  /** Who deployed it, as git or the system names them. */
  by: string;
  figures: readonly Figure[];
};

export type Release = ReleaseFacts & {
  /** Counts up from 1 for each service. */
  number: number;
  /** Wall time in milliseconds at which it was made. */
  at: number;
  state: ReleaseState;
  /** One sentence: why it is in this state. */
  why: string;
  /** Wall time in milliseconds at which it last took over; null: it never did. */
  liveSince: number | null;
  /** What goes on while it starts. */
  phase: string | null;
  /** Last lines of what it printed, when it failed. */
  logTail: readonly string[];
};

/** What is asked of a machine; the same key twice is the same release. */
export type NewRelease = ReleaseFacts & {
  key: string;
  /** An absolute folder on the machine that is copied; null where a release has no files. */
  tree: string | null;
  /** Values of secrets; kept in a file that only the user reads. */
  env: Readonly<Record<string, string>>;
  /** PEM; kept as `env` is. */
  certificate: Certificate | null;
};

export type Certificate = { cert: string; key: string };

export type ReplicaReport = {
  release: number;
  /** Counts from 1 within its release. */
  slot: number;
  state: "starting" | "up" | "unhealthy" | "waiting" | "broken" | "ending";
  pid: number | null;
  port: number | null;
  /** How often it was started again. */
  restarts: number;
  why: string;
  /** Only of one in a container. */
  container?: ContainerCall;
};

/** How a container is reached: what the engine is called by, one word or several, and the container's name. */
export type ContainerCall = { engine: readonly string[]; name: string };
