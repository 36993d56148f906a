// What an agent remembers of the workloads it supervises. Whoever holds it is the machine's only agent.
import type { DatabaseSync } from "node:sqlite";
import type { Launch } from "../model/launch.ts";
import type { Change } from "../model/status.ts";
import type { State } from "../model/words.ts";
import { explained, openDatabase, transact, type Migrations } from "./open.ts";

const migrations: Migrations = [
  `CREATE TABLE workloads (
     name TEXT PRIMARY KEY, launch TEXT NOT NULL, places TEXT NOT NULL,
     state TEXT NOT NULL, since INTEGER NOT NULL, why TEXT NOT NULL,
     start_id TEXT, port INTEGER, boot_id TEXT
   ) STRICT;
   CREATE TABLE instance (id TEXT NOT NULL) STRICT;
   INSERT INTO instance VALUES (lower(hex(randomblob(8))));
   CREATE TABLE changes (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, workload TEXT NOT NULL,
     from_state TEXT NOT NULL, to_state TEXT NOT NULL, why TEXT NOT NULL, by TEXT NOT NULL
   ) STRICT;`,
];

/** Where a workload's folders are on this machine. */
export type FixedPlaces = { environment: string; workspace: string };

/** One attempt at running the process. `startId` names its runtime folder, written before the process exists. */
export type Start = { startId: string; port: number; bootId: string };

export type Supervised = {
  name: string;
  launch: Launch;
  places: FixedPlaces;
  state: State;
  since: number;
  why: string;
  start: Start | null;
};

export type AgentState = ReturnType<typeof openAgentState>;

export function openAgentState(path: string) {
  const db = openDatabase(path, migrations, { exclusive: true });
  return explained(path, {
    /** Names this database for ever: changes are numbered within it. */
    instance: String(db.prepare("SELECT id FROM instance").get()?.["id"]),
    list: (): Supervised[] => db.prepare("SELECT * FROM workloads ORDER BY name").all().map(readSupervised),
    save: (workload: Supervised): void => save(db, workload),
    delete: (name: string): void => {
      db.prepare("DELETE FROM workloads WHERE name = ?").run(name);
    },
    /** Keeps the new state and its record together; gives the record its number. */
    change: (workload: Supervised, change: Omit<Change, "seq">): Change =>
      transact(db, () => {
        save(db, workload);
        const { lastInsertRowid } = db
          .prepare("INSERT INTO changes VALUES (NULL, ?, ?, ?, ?, ?, ?)")
          .run(change.at, change.workload, change.from, change.to, change.why, change.by);
        return { seq: Number(lastInsertRowid), ...change };
      }),
    changesAfter: (seq: number): Change[] =>
      db.prepare("SELECT * FROM changes WHERE seq > ? ORDER BY seq").all(seq).map(readChange),
    close: () => db.close(),
  });
}

function save(db: DatabaseSync, { name, launch, places, state, since, why, start }: Supervised): void {
  db.prepare(
    `INSERT OR REPLACE INTO workloads (name, launch, places, state, since, why, start_id, port, boot_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    name,
    JSON.stringify(launch),
    JSON.stringify(places),
    state,
    since,
    why,
    start?.startId ?? null,
    start?.port ?? null,
    start?.bootId ?? null,
  );
}

function readSupervised(row: Record<string, unknown>): Supervised {
  return {
    name: String(row["name"]),
    launch: JSON.parse(String(row["launch"])) as Launch,
    places: JSON.parse(String(row["places"])) as FixedPlaces,
    state: String(row["state"]) as State,
    since: Number(row["since"]),
    why: String(row["why"]),
    start:
      row["start_id"] === null
        ? null
        : { startId: String(row["start_id"]), port: Number(row["port"]), bootId: String(row["boot_id"]) },
  };
}

function readChange(row: Record<string, unknown>): Change {
  return {
    seq: Number(row["seq"]),
    at: Number(row["at"]),
    workload: String(row["workload"]),
    from: String(row["from_state"]) as State,
    to: String(row["to_state"]) as State,
    why: String(row["why"]),
    by: String(row["by"]),
  };
}
