// What Sesta keeps of runs, and of the jobs whose machines it has prepared. Within the project's database.
import { randomInt } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Run } from "../model/run.ts";
import { transact } from "./open.ts";

export const runMigration = `CREATE TABLE runs (
     id TEXT PRIMARY KEY, job TEXT NOT NULL, number INTEGER NOT NULL, created_at INTEGER NOT NULL,
     record TEXT NOT NULL, UNIQUE (job, number)
   ) STRICT;
   CREATE TABLE jobs (
     name TEXT PRIMARY KEY, target TEXT NOT NULL, places TEXT NOT NULL,
     placed_at INTEGER -- null while it is being set up or taken away: the intent
   ) STRICT;`;

export type PlacedJob = {
  name: string;
  /** Where it was set up last. */
  target: string;
  /** By `TARGET/MACHINE`: what was made there for it, absolute paths, the newest last. */
  places: Readonly<Record<string, readonly string[]>>;
  placedAt: number | null;
};

export function runs(db: DatabaseSync) {
  const read = (row: Record<string, unknown>): Run => JSON.parse(String(row["record"])) as Run;
  const save = (run: Run) => {
    db.prepare("UPDATE runs SET record = ? WHERE id = ?").run(JSON.stringify(run), run.id);
  };
  return {
    /** Gives it its id: job, number, and a few letters that tell it from those of other projects on its machines. */
    addRun: (run: Omit<Run, "id">): Run =>
      transact(db, () => {
        const last = db.prepare("SELECT max(number) AS last FROM runs WHERE job = ?").get(run.job)?.["last"];
        const number = Number(last ?? 0) + 1;
        const added: Run = { id: `${run.job}-${number}-${randomLetters(4)}`, ...run };
        db.prepare("INSERT INTO runs VALUES (?, ?, ?, ?, ?)").run(
          added.id,
          run.job,
          number,
          run.createdAt,
          JSON.stringify(added),
        );
        return added;
      }),
    /** Changes what is there at this moment, so that two commands that look at a run do not undo each other. */
    changeRun: (id: string, change: (run: Run) => Run): Run =>
      transact(db, () => {
        const row = db.prepare("SELECT record FROM runs WHERE id = ?").get(id);
        if (!row) throw new Error(`no run ${id}`);
        const changed = change(read(row));
        save(changed);
        return changed;
      }),
    findRun: (id: string): Run | undefined => {
      const row = db.prepare("SELECT record FROM runs WHERE id = ?").get(id);
      return row && read(row);
    },
    /** Newest first. */
    listRuns: (job?: string): Run[] =>
      (job === undefined
        ? db.prepare("SELECT record FROM runs ORDER BY created_at DESC, number DESC").all()
        : db.prepare("SELECT record FROM runs WHERE job = ? ORDER BY number DESC").all(job)
      ).map(read),
    saveJob: ({ name, target, places, placedAt }: PlacedJob): void => {
      db.prepare("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?)").run(
        name,
        target,
        JSON.stringify(places),
        placedAt,
      );
    },
    deleteJob: (name: string): void => {
      db.prepare("DELETE FROM jobs WHERE name = ?").run(name);
    },
    listPlacedJobs: (): PlacedJob[] =>
      db
        .prepare("SELECT * FROM jobs ORDER BY name")
        .all()
        .map((row) => ({
          name: String(row["name"]),
          target: String(row["target"]),
          places: JSON.parse(String(row["places"])) as PlacedJob["places"],
          placedAt: row["placed_at"] === null ? null : Number(row["placed_at"]),
        })),
  };
}

/** Without those that are easily mistaken for another. */
const letters = "abcdefghjkmnpqrstuvwxyz23456789";

function randomLetters(count: number): string {
  return Array.from({ length: count }, () => letters[randomInt(letters.length)]).join("");
}
