// What an agent remembers of the releases of services and of their replicas.
import type { DatabaseSync } from "node:sqlite";
import type { MachinePlaces } from "../model/agent-protocol.ts";
import type { Launch } from "../model/launch.ts";
import type { ReleaseFacts, ReleaseState } from "../model/release.ts";
import type { Start } from "./agent-state.ts";
import { transact } from "./open.ts";

export const releaseMigration = `CREATE TABLE releases (
     workload TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL,
     launch TEXT NOT NULL, places TEXT NOT NULL, facts TEXT NOT NULL,
     at INTEGER NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,
     live_since INTEGER, log_tail TEXT NOT NULL,
     PRIMARY KEY (workload, number), UNIQUE (workload, key)
   ) STRICT;
   CREATE TABLE replicas (
     workload TEXT NOT NULL, release INTEGER NOT NULL, slot INTEGER NOT NULL,
     start_id TEXT NOT NULL, port INTEGER NOT NULL, boot_id TEXT NOT NULL,
     PRIMARY KEY (workload, release, slot)
   ) STRICT;`;

export type KeptRelease = {
  workload: string;
  number: number;
  key: string;
  launch: Launch;
  places: MachinePlaces;
  facts: ReleaseFacts;
  at: number;
  state: ReleaseState;
  why: string;
  liveSince: number | null;
  logTail: readonly string[];
};

export type KeptReplica = { release: number; slot: number; start: Start };

export function releases(db: DatabaseSync) {
  const put = (release: KeptRelease): void => save(db, release);
  return {
    /** Newest first. */
    listReleases: (workload: string): KeptRelease[] =>
      db.prepare("SELECT * FROM releases WHERE workload = ? ORDER BY number DESC").all(workload).map(read),
    saveRelease: put,
    /** All of them or none: the new one takes over as the old one is replaced. */
    saveReleases: (changed: readonly KeptRelease[]): void => transact(db, () => changed.forEach(put)),
    deleteRelease: (workload: string, number: number): void => {
      db.prepare("DELETE FROM releases WHERE workload = ? AND number = ?").run(workload, number);
    },
    listReplicas: (workload: string): KeptReplica[] =>
      db.prepare("SELECT * FROM replicas WHERE workload = ?").all(workload).map(readReplica),
    listReplicaStarts: (): string[] =>
      db
        .prepare("SELECT start_id FROM replicas")
        .all()
        .map((row) => String(row["start_id"])),
    saveReplica: (workload: string, { release, slot, start }: KeptReplica): void => {
      db.prepare("INSERT OR REPLACE INTO replicas VALUES (?, ?, ?, ?, ?, ?)").run(
        workload,
        release,
        slot,
        start.startId,
        start.port,
        start.bootId,
      );
    },
    deleteReplica: (workload: string, release: number, slot: number): void => {
      db.prepare("DELETE FROM replicas WHERE workload = ? AND release = ? AND slot = ?").run(
        workload,
        release,
        slot,
      );
    },
    forgetReleases: (workload: string): void =>
      transact(db, () => {
        db.prepare("DELETE FROM releases WHERE workload = ?").run(workload);
        db.prepare("DELETE FROM replicas WHERE workload = ?").run(workload);
      }),
  };
}

function save(db: DatabaseSync, release: KeptRelease): void {
  const { workload, number, key, launch, places, facts, at, state, why, liveSince, logTail } = release;
  db.prepare("INSERT OR REPLACE INTO releases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").run(
    workload,
    number,
    key,
    JSON.stringify(launch),
    JSON.stringify(places),
    JSON.stringify(facts),
    at,
    state,
    why,
    liveSince,
    JSON.stringify(logTail),
  );
}

function read(row: Record<string, unknown>): KeptRelease {
  return {
    workload: String(row["workload"]),
    number: Number(row["number"]),
    key: String(row["key"]),
    launch: JSON.parse(String(row["launch"])) as Launch,
    places: JSON.parse(String(row["places"])) as MachinePlaces,
    facts: JSON.parse(String(row["facts"])) as ReleaseFacts,
    at: Number(row["at"]),
    state: String(row["state"]) as ReleaseState,
    why: String(row["why"]),
    liveSince: row["live_since"] === null ? null : Number(row["live_since"]),
    logTail: JSON.parse(String(row["log_tail"])) as string[],
  };
}

function readReplica(row: Record<string, unknown>): KeptReplica {
  return {
    release: Number(row["release"]),
    slot: Number(row["slot"]),
    start: { startId: String(row["start_id"]), port: Number(row["port"]), bootId: String(row["boot_id"]) },
  };
}
