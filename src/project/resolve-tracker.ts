// Fills in the defaults of a tracker.
import type { BackupSection, TrackerSection } from "../model/tracker.ts";
import type { ProjectFile } from "./schema.ts";

type TrackerFile = Extract<NonNullable<ProjectFile["workloads"]>[string], { type: "tracker" }>;

export const trackerDefaults = {
  idleMs: 40 * 60_000,
  keep: 7,
  everyMs: 24 * 3_600_000,
} as const;

/** Where backups go unless the file says otherwise. */
export function backupFolder(name: string): string {
  return `backups/${name}`;
}

/** @param target of workloads that name none */
export function resolveTracker(tracker: TrackerFile, name: string, target: string): TrackerSection {
  const { password, port, python } = tracker;
  return {
    type: "tracker",
    name,
    target: tracker.target ?? target,
    idleMs: tracker.idle === undefined ? trackerDefaults.idleMs : tracker.idle,
    database: tracker.database ?? "postgres",
    artifacts: tracker.artifacts ?? null,
    packages: tracker.packages ?? [],
    env: tracker.env ?? {},
    backup: resolveBackup(tracker.backup ?? {}, name),
    ...(password === undefined ? {} : { password }),
    ...(port === undefined ? {} : { port }),
    ...(python === undefined ? {} : { python }),
  };
}

function resolveBackup(
  { keep, every, passphrase, into }: NonNullable<TrackerFile["backup"]>,
  name: string,
): BackupSection {
  return {
    keep: keep ?? trackerDefaults.keep,
    everyMs: every === undefined ? trackerDefaults.everyMs : every,
    folder: into ?? backupFolder(name),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}
