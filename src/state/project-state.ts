// What Sesta keeps of a project: its placed workloads, ports, password hashes, and the record of changes and use.
import type { DatabaseSync } from "node:sqlite";
import type { Launch } from "../model/launch.ts";
import type { Change, UseSpan } from "../model/status.ts";
import type { WorkloadType } from "../model/words.ts";
import { intentMigration, intents } from "./intent-state.ts";
import { explained, openDatabase, transact, type Migrations } from "./open.ts";
import { pipelineMigration, pipelines } from "./pipeline-state.ts";
import { runMigration, runs } from "./run-state.ts";
import { tracking, trackingMigration } from "./tracking-state.ts";

const migrations: Migrations = [
  `CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE workloads (
     name TEXT PRIMARY KEY, type TEXT NOT NULL, target TEXT NOT NULL,
     launch TEXT NOT NULL, digest TEXT NOT NULL,
     placed_at INTEGER -- null while it is being placed or taken away: the intent
   ) STRICT;
   CREATE TABLE ports (name TEXT PRIMARY KEY, port INTEGER NOT NULL UNIQUE) STRICT;
   CREATE TABLE passwords (secret TEXT PRIMARY KEY, hash TEXT NOT NULL, version INTEGER NOT NULL) STRICT;
   CREATE TABLE changes (
     id INTEGER PRIMARY KEY, source TEXT NOT NULL, seq INTEGER NOT NULL,
     at INTEGER NOT NULL, workload TEXT NOT NULL, from_state TEXT NOT NULL, to_state TEXT NOT NULL,
     why TEXT NOT NULL, by TEXT NOT NULL, UNIQUE (source, seq)
   ) STRICT;
   CREATE INDEX changes_by_workload ON changes (workload, at);`,
  `CREATE TABLE uses (
     id INTEGER PRIMARY KEY, agent TEXT NOT NULL, seq INTEGER NOT NULL,
     workload TEXT NOT NULL, source TEXT NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL,
     UNIQUE (agent, seq)
   ) STRICT;
   CREATE INDEX uses_by_workload ON uses (workload, from_at);`,
  runMigration,
  pipelineMigration,
  trackingMigration,
  intentMigration,
];

export type PlacedWorkload = {
  name: string;
  type: WorkloadType;
  target: string;
  launch: Launch;
  /** Of the launch; what `plan` compares. */
  digest: string;
  placedAt: number | null;
};

export type Password = { hash: string; version: number };
export type ProjectState = ReturnType<typeof openProjectState>;

export function openProjectState(path: string) {
  const db = openDatabase(path, migrations);
  return explained(path, {
    ...settings(db),
    ...workloads(db),
    ...passwords(db),
    ...changes(db),
    ...uses(db),
    ...runs(db),
    ...pipelines(db),
    ...tracking(db),
    ...intents(db),
    /** Grows when another process changed the database. */
    dataVersion: () => Number(db.prepare("PRAGMA data_version").get()?.["data_version"]),
    transact: <T>(work: () => T) => transact(db, work),
    close: () => db.close(),
  });
}

function settings(db: DatabaseSync) {
  return {
    findSetting: (key: string): string | undefined => {
      const row = db.prepare("SELECT value FROM settings WHERE key = ?").get(key);
      return row && String(row["value"]);
    },
    setSetting: (key: string, value: string): void => {
      db.prepare("INSERT INTO settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value").run(
        key,
        value,
      );
    },
    deleteSetting: (key: string): void => {
      db.prepare("DELETE FROM settings WHERE key = ?").run(key);
    },
    /** Ports that belong to workloads for ever, placed or not. */
    listPorts: (): ReadonlyMap<string, number> =>
      new Map(
        db
          .prepare("SELECT name, port FROM ports")
          .all()
          .map((row) => [String(row["name"]), Number(row["port"])]),
      ),
    setPort: (name: string, port: number): void => {
      db.prepare("DELETE FROM ports WHERE name = ? OR port = ?").run(name, port);
      db.prepare("INSERT INTO ports VALUES (?, ?)").run(name, port);
    },
  };
}

function workloads(db: DatabaseSync) {
  const read = (row: Record<string, unknown>): PlacedWorkload => ({
    name: String(row["name"]),
    type: String(row["type"]) as WorkloadType,
    target: String(row["target"]),
    launch: JSON.parse(String(row["launch"])) as Launch,
    digest: String(row["digest"]),
    placedAt: row["placed_at"] === null ? null : Number(row["placed_at"]),
  });
  return {
    listWorkloads: (): PlacedWorkload[] =>
      db.prepare("SELECT * FROM workloads ORDER BY name").all().map(read),
    findWorkload: (name: string): PlacedWorkload | undefined => {
      const row = db.prepare("SELECT * FROM workloads WHERE name = ?").get(name);
      return row && read(row);
    },
    saveWorkload: (workload: PlacedWorkload): void => {
      db.prepare("INSERT OR REPLACE INTO workloads VALUES (?, ?, ?, ?, ?, ?)").run(
        workload.name,
        workload.type,
        workload.target,
        JSON.stringify(workload.launch),
        workload.digest,
        workload.placedAt,
      );
    },
    deleteWorkload: (name: string): void => {
      db.prepare("DELETE FROM workloads WHERE name = ?").run(name);
    },
  };
}

function passwords(db: DatabaseSync) {
  return {
    listPasswords: (): ReadonlyMap<string, Password> =>
      new Map(
        db
          .prepare("SELECT secret, hash, version FROM passwords")
          .all()
          .map((row) => [
            String(row["secret"]),
            { hash: String(row["hash"]), version: Number(row["version"]) },
          ]),
      ),
    /** A new version ends every session that was opened under the old one. */
    setPassword: (secret: string, hash: string): void => {
      db.prepare(
        `INSERT INTO passwords VALUES (?, ?, 1)
         ON CONFLICT DO UPDATE SET hash = excluded.hash, version = version + 1`,
      ).run(secret, hash);
    },
  };
}

function changes(db: DatabaseSync) {
  const read = (row: Record<string, unknown>): Change => ({
    seq: Number(row["seq"]),
    at: Number(row["at"]),
    workload: String(row["workload"]),
    from: String(row["from_state"]) as Change["from"],
    to: String(row["to_state"]) as Change["to"],
    why: String(row["why"]),
    by: String(row["by"]),
  });
  return {
    /** Keeps a change of the agent `source`; one that is there already is left alone. */
    addChange: (source: string, change: Change): void => {
      db.prepare("INSERT OR IGNORE INTO changes VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)").run(
        source,
        change.seq,
        change.at,
        change.workload,
        change.from,
        change.to,
        change.why,
        change.by,
      );
    },
    lastSeq: (source: string): number =>
      Number(db.prepare("SELECT max(seq) AS last FROM changes WHERE source = ?").get(source)?.["last"] ?? 0),
    listChanges: (workload?: string): Change[] =>
      (workload === undefined
        ? db.prepare("SELECT * FROM changes ORDER BY at, id").all()
        : db.prepare("SELECT * FROM changes WHERE workload = ? ORDER BY at, id").all(workload)
      ).map(read),
    /** How long this workload's last successful wakes took, newest first, in milliseconds. */
    wakeDurationsMs: (workload: string, limit = 5): number[] =>
      db
        .prepare(
          `SELECT done.at - (SELECT max(begun.at) FROM changes begun
              WHERE begun.workload = done.workload AND begun.to_state = 'waking' AND begun.id < done.id) AS took
           FROM changes done WHERE workload = ? AND to_state = 'awake' AND from_state = 'waking'
           ORDER BY done.id DESC LIMIT ?`,
        )
        .all(workload, limit)
        .map((row) => Number(row["took"])),
  };
}

function uses(db: DatabaseSync) {
  const read = (row: Record<string, unknown>): UseSpan => ({
    seq: Number(row["seq"]),
    workload: String(row["workload"]),
    source: String(row["source"]),
    from: Number(row["from_at"]),
    to: Number(row["to_at"]),
  });
  return {
    /** Keeps a span of the agent `instance` that is over; one that is there already is left alone. */
    addUse: (instance: string, { seq, workload, source, from, to }: UseSpan): void => {
      db.prepare("INSERT OR IGNORE INTO uses VALUES (NULL, ?, ?, ?, ?, ?, ?)").run(
        instance,
        seq,
        workload,
        source,
        from,
        to,
      );
    },
    lastUseSeq: (instance: string): number =>
      Number(db.prepare("SELECT max(seq) AS last FROM uses WHERE agent = ?").get(instance)?.["last"] ?? 0),
    listUses: (workload?: string): UseSpan[] =>
      (workload === undefined
        ? db.prepare("SELECT * FROM uses ORDER BY from_at, id").all()
        : db.prepare("SELECT * FROM uses WHERE workload = ? ORDER BY from_at, id").all(workload)
      ).map(read),
  };
}
