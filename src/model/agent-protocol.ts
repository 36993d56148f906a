// What crosses the agent's socket: its methods, and the lines of its stream. One request a connection.
import type { BackupJob, FoundBackup } from "./backup.ts";
import type { Launch } from "./launch.ts";
import type { NewRelease, Release } from "./release.ts";
import type { SaveReport } from "./save.ts";
import type { Change, Report, UseSpan } from "./status.ts";

/** Raised when an older agent would misunderstand; N-1 is refused with AGENT_VERSION. */
export const protocolVersion = 2;

export type AgentMethods = {
  hello: { params: Record<string, never>; result: Hello };
  /** Registers a workload, or replaces what is known of it. */
  put: { params: { launch: Launch; places: MachinePlaces }; result: Report };
  /** Forgets a workload that is asleep or failed. */
  remove: { params: { name: string }; result: null };
  list: { params: Record<string, never>; result: Report[] };
  wake: { params: Asked; result: Report };
  /**
   * @param shut nothing wakes it again until the next `sleep` or `put`, or until `backupJob` was not asked for a
   *   minute: whoever shut it may have died. The port of a service is closed too, for good.
   */
  sleep: { params: Asked & { shut?: boolean }; result: Report };
  /** Something came through the front door just now; whether that is use depends on the workload. */
  use: { params: { name: string; source: string; kind: UseKind }; result: null };
  /** Keeps it awake for `forMs`, waking it first; null lets go. */
  hold: { params: Asked & { forMs: number | null; reason: string | null }; result: Report };
  /** The token with which this workload's saves reach the remote, or the passphrase of its backups; kept in memory only. */
  token: { params: { name: string; value: string }; result: null };
  /** Saves now and waits for the remote's word. */
  save: { params: SaveRequest; result: SaveReport };
  /** What `onto` would do, or what `restore` would; changes nothing. */
  compare: { params: { name: string; onto: string }; result: Comparison };
  /** Brings saves that went aside and the branch together; exactly what `compare` showed. */
  onto: { params: { name: string; onto: string; tip: string }; result: SaveReport };
  /** Writes a saved state into a folder of its own, or over the workspace; what is not in it stays. */
  restore: { params: RestoreRequest; result: Restored };
  /** Where the front door finds the process. The headers hold its token: only for the door. */
  door: { params: { name: string }; result: DoorAddress | null };
  changes: { params: { after: number }; result: Change[] };
  /** Registers a service and begins a release of it; `releases` tells how it goes. */
  deploy: {
    params: { launch: Launch; places: MachinePlaces; release: NewRelease; why: string };
    result: Release;
  };
  /** Absolute paths that something runs from, or may: also of releases that can be gone back to. */
  environments: { params: Record<string, never>; result: string[] };
  /** Of a service, newest first. */
  releases: { params: { name: string }; result: Release[] };
  /** Makes one that was live before live again; without a number the one before. */
  rollback: { params: Asked & { number: number | null }; result: Release };
  /** A port that nothing listens on there now, from `from` upwards. */
  freePort: { params: { host: string; from: number; reserved: readonly number[] }; result: number };
  /** Spans of use that are over, after `after`; with `open`, the one that goes on too. */
  /** Begins a backup of a workload's own data, or finds the one that runs; `backupJob` tells how it goes. */
  backup: { params: Asked & { passphrase: string | null }; result: BackupJob };
  /** Begins to bring a backup back: what is awake is to be put to sleep once the job waits for it. `file` is absolute. */
  bringBack: { params: Asked & { passphrase: string | null; file: string }; result: BackupJob };
  /** Those that lie in the workload's folder, newest first; absolute paths. */
  backups: { params: { name: string }; result: FoundBackup[] };
  /** The one that runs, or ran last; null: none since the agent was started. */
  backupJob: { params: { name: string }; result: BackupJob | null };
  uses: { params: { after: number; open?: boolean }; result: UseSpan[] };
  /** Ends the agent; what it supervises goes on. */
  stop: { params: Record<string, never>; result: null };
};

/** Where a workload's folders are on this machine, and what kind of machine that is. */
export type MachinePlaces = {
  environment: string;
  workspace: string;
  /** Whether the disk is still there after sleep; on one that is not, nothing sleeps with unsaved work. */
  disk: "kept" | "lost";
  /** People reach this machine over SSH to work with the workload: their sessions are use. */
  sessions: boolean;
  /** What the machine does when nothing on it is awake any more; without it, it stays on. */
  rest?: MachineRest;
};

export type MachineRest = "suspend" | "poweroff";

export type UseKind = "visit" | "change" | "frame";

export type SaveRequest = {
  name: string;
  /** Files that vanished are recorded as deleted. */
  acceptDeletions: boolean;
};

/** What differs between the saves here and a branch, by path. */
export type Comparison = {
  /** The branch's newest commit, shown so that exactly this is brought together. */
  tip: string;
  ours: readonly string[];
  theirs: readonly string[];
  /** Changed in both: ours stays, theirs is put beside it under the second name. */
  both: readonly { path: string; theirsAs: string }[];
};

export type RestoreRequest = {
  name: string;
  /** A commit (7 to 40 hex digits), or wall milliseconds: the newest save that is not later. Null: the newest. */
  at: string | number | null;
  /** An absolute path that does not exist or is an empty folder; null writes over the workspace. */
  to: string | null;
  /** Says what it would do and does nothing. */
  dryRun: boolean;
};

export type Restored = {
  commit: string;
  at: number;
  to: string;
  /** Paths that are written because they are missing or differ. */
  written: readonly string[];
  /** Paths of the workspace that the saved state does not have; they stay. */
  kept: number;
};

export type Asked = { name: string; why: string; by: string };
/** Changes are numbered within an `instance`. */
export type Hello = {
  protocol: number;
  version: string;
  pid: number;
  instance: string;
  /** The name of the file that it is run from, without its ending. */
  build: string;
};
export type DoorAddress = {
  host: string;
  port: number;
  /** A Unix socket that leads to it; without one, host and port are reached as they are. */
  path?: string;
  headers: Readonly<Record<string, string>>;
};

/** Lines of the `watch` stream: first every report, then every change after `after`, then both as they come. */
export type AgentEvent = { report: Report } | { change: Change } | { use: UseSpan } | { removed: string };
