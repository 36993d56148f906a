// The section of a tracker, as the rest of Sesta sees it.
import type { EnvValue } from "./project.ts";

export type TrackerSection = {
  type: "tracker";
  name: string;
  /** A name in `targets`. */
  target: string;
  /** A name in `secrets`; without one only `open` and the project's jobs come in. */
  password?: string;
  /** `null`: never sleeps by itself. */
  idleMs: number | null;
  port?: number;
  database: "postgres" | "sqlite" | TrackerDatabase;
  /** A location that MLflow knows; `null`: a folder of its own. */
  artifacts: string | null;
  /** PEP 508 requirement specifiers. */
  packages: readonly string[];
  env: Readonly<Record<string, EnvValue>>;
  python?: string;
  backup: BackupSection;
};

export type TrackerDatabase = {
  /** The secret that holds its address, by name. */
  url: string;
};

export type BackupSection = {
  /** How many are kept. */
  keep: number;
  /** `null`: none by itself. */
  everyMs: number | null;
  /** The secret that encrypts them, by name. */
  passphrase?: string;
  /** Relative to the project's folder. */
  folder: string;
};
