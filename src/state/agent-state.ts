// What an agent remembers of the workloads it supervises. Whoever holds it is the machine's only agent.
import type { DatabaseSync } from "node:sqlite";
import type { MachinePlaces } from "../model/agent-protocol.ts";
import type { Launch } from "../model/launch.ts";
import type { Change, Hold, UseSpan } from "../model/status.ts";
import type { State } from "../model/words.ts";
import { releaseMigration, releases } from "./release-state.ts";
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
  // A span gets its number when it is over, so that whoever asks for later numbers never misses one.
  `CREATE TABLE uses (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, workload TEXT NOT NULL, source TEXT NOT NULL,
     from_at INTEGER NOT NULL, to_at INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE open_uses (
     id INTEGER PRIMARY KEY, workload TEXT NOT NULL, source TEXT NOT NULL,
     from_at INTEGER NOT NULL, to_at INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE holds (workload TEXT PRIMARY KEY, until_at INTEGER NOT NULL, reason TEXT) STRICT;`,
  releaseMigration,
];

/** Oldest spans of use go when there are more; a machine in constant use makes some hundreds a day. */
const mostUses = 100_000;

/** One attempt at running the process. `startId` names its runtime folder, written before the process exists. */
export type Start = { startId: string; port: number; bootId: string };

export type Supervised = {
  name: string;
  launch: Launch;
  places: MachinePlaces;
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
    delete: (name: string): void =>
      transact(db, () => {
        db.prepare("DELETE FROM workloads WHERE name = ?").run(name);
        db.prepare("DELETE FROM holds WHERE workload = ?").run(name);
      }),
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
    /** Writes how far a span has come; gives the id under which it grows on. @param id null for a new one */
    growUse: (id: number | null, span: OpenUse): number => growUse(db, id, span),
    /** A span is over; gives it its number. @param id null when it was never written before */
    closeUse: (id: number | null, span: OpenUse): UseSpan => transact(db, () => closeUse(db, id, span)),
    /** Closes what an agent that was killed left open, as far as it was written. */
    closeUses: (): UseSpan[] =>
      transact(db, () => openUses(db).map(({ id, span }) => closeUse(db, id, span))),
    /** Spans that are over, by number; with `open`, then those that go on, whose number is 0 until they are over. */
    usesAfter: (seq: number, open = false): UseSpan[] => [
      ...db.prepare("SELECT * FROM uses WHERE seq > ? ORDER BY seq").all(seq).map(readUse),
      ...(open ? openUses(db).map(({ span }) => ({ seq: 0, ...span })) : []),
    ],
    hold: (workload: string): Hold | null => {
      const row = db.prepare("SELECT * FROM holds WHERE workload = ?").get(workload);
      if (!row) return null;
      return {
        until: Number(row["until_at"]),
        reason: row["reason"] === null ? null : String(row["reason"]),
      };
    },
    /** @param hold null lets go */
    setHold: (workload: string, hold: Hold | null): void => {
      if (!hold) db.prepare("DELETE FROM holds WHERE workload = ?").run(workload);
      else db.prepare("INSERT OR REPLACE INTO holds VALUES (?, ?, ?)").run(workload, hold.until, hold.reason);
    },
    ...releases(db),
    close: () => db.close(),
  });
}

type OpenUse = Omit<UseSpan, "seq">;

function growUse(db: DatabaseSync, id: number | null, { workload, source, from, to }: OpenUse): number {
  const { lastInsertRowid } = db
    .prepare("INSERT OR REPLACE INTO open_uses VALUES (?, ?, ?, ?, ?)")
    .run(id, workload, source, from, to);
  return Number(lastInsertRowid);
}

function closeUse(db: DatabaseSync, id: number | null, span: OpenUse): UseSpan {
  const { workload, source, from, to } = span;
  db.prepare("DELETE FROM open_uses WHERE id = ?").run(id);
  const { lastInsertRowid } = db
    .prepare("INSERT INTO uses VALUES (NULL, ?, ?, ?, ?)")
    .run(workload, source, from, to);
  const seq = Number(lastInsertRowid);
  db.prepare("DELETE FROM uses WHERE seq <= ?").run(seq - mostUses);
  return { seq, workload, source, from, to };
}

function openUses(db: DatabaseSync): { id: number; span: OpenUse }[] {
  const rows = db.prepare("SELECT * FROM open_uses ORDER BY from_at, id").all();
  return rows.map((row) => {
    const { workload, source, from, to } = readUse(row);
    return { id: Number(row["id"]), span: { workload, source, from, to } };
  });
}

function readUse(row: Record<string, unknown>): UseSpan {
  return {
    seq: Number(row["seq"]),
    workload: String(row["workload"]),
    source: String(row["source"]),
    from: Number(row["from_at"]),
    to: Number(row["to_at"]),
  };
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
    places: JSON.parse(String(row["places"])) as MachinePlaces,
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
