// A backup or a restore of a workload's data, as its agent tells of it.

/** The phase of a restore that has found its file whole: it goes on once the workload is asleep. */
export const waitsForSleep = "waits until it is asleep";

export type BackupJob = {
  /** Tells it from others of the same workload. */
  id: string;
  kind: "backup" | "restore";
  state: "running" | "done" | "failed";
  startedAt: number;
  /** While it runs: what goes on now. */
  phase: string | null;
  /** Of one that failed: a sentence. */
  why: string | null;
  /** The backup that was made, of a restore as well: of what was there before. Absolute; null: there was nothing. */
  file: string | null;
  /** Of that file; null of a restore. */
  bytes: number | null;
};

/** One that is there, of which the file's name says when it was made. */
export type FoundBackup = { at: number; file: string };

/** What a report says of them. */
export type BackupReport = {
  /** The newest that is there; null: none. */
  last: FoundBackup | null;
  /** The one that runs, or ran last since the agent was started. */
  job: BackupJob | null;
  /** Its agent does not know the passphrase, and makes none by itself until it does. */
  needsPassphrase: boolean;
};

/** As the command line prints it in JSON. */
export type BackupStatus = {
  /** Of the newest that is in its folder. */
  last_at: string | null;
  last_file: string | null;
  /** What goes on now. */
  phase: string | null;
  problem: string | null;
};
