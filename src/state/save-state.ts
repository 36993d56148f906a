// What is known of one workload's saves: the files of the newest one, and facts such as the workspace's inode.
import { renameSync, rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { SestaError } from "../base/errors.ts";
import { explained, openDatabase, transact, type Migrations } from "./open.ts";

const migrations: Migrations = [
  `CREATE TABLE files (
     path TEXT PRIMARY KEY, mode TEXT NOT NULL, oid TEXT NOT NULL, stamp TEXT NOT NULL, held INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;`,
];

/** A file as the newest save holds it. */
export type SavedFile = {
  /** As in a tree of git: 100644, 100755, 120000 (link), 160000 (a commit of another repository). */
  mode: string;
  /** The blob's SHA-1. */
  oid: string;
  /** What lstat said when exactly this content was read; empty when it never was. */
  stamp: string;
  /** Gone from the workspace together with most others, and kept until somebody confirms. */
  held: boolean;
};

export type SavedChange = {
  /** The save that the files belong to from now on; null: there is none. */
  commit: string | null;
  write: Iterable<readonly [path: string, file: SavedFile]>;
  remove: Iterable<string>;
  /** Forget every other file. */
  anew?: boolean;
};

export type SaveState = ReturnType<typeof openSaveState>;

/**
 * A damaged one is moved to `PATH.damaged` and begun anew, since the repository of the saves can tell all that matters.
 * @throws SestaError as `openDatabase`
 */
export function openSaveState(path: string) {
  const db = openOrRenew(path);
  const findFact = (name: string): string | undefined => {
    const row = db.prepare("SELECT value FROM facts WHERE name = ?").get(name);
    return row && String(row["value"]);
  };
  return explained(path, {
    /** By path. */
    files: (): Map<string, SavedFile> => readFiles(db),
    /** The commit that `files` belongs to. */
    findCommit: (): string | undefined => findFact(commitFact),
    /** All of it, or nothing. */
    keep: (change: SavedChange): void => transact(db, () => keep(db, change)),
    findFact,
    /** null forgets it. */
    setFact: (name: string, value: string | null): void => setFact(db, name, value),
    close: () => db.close(),
  });
}

const commitFact = "commit";

function openOrRenew(path: string): DatabaseSync {
  try {
    return openDatabase(path, migrations);
  } catch (error) {
    if (!(error instanceof SestaError) || error.code !== "STATE_DAMAGED") throw error;
    renameSync(path, `${path}.damaged`);
    for (const ending of ["-wal", "-shm"]) rmSync(path + ending, { force: true });
    return openDatabase(path, migrations);
  }
}

function readFiles(db: DatabaseSync): Map<string, SavedFile> {
  const files = new Map<string, SavedFile>();
  for (const row of db.prepare("SELECT path, mode, oid, stamp, held FROM files").iterate()) {
    files.set(String(row["path"]), {
      mode: String(row["mode"]),
      oid: String(row["oid"]),
      stamp: String(row["stamp"]),
      held: row["held"] === 1,
    });
  }
  return files;
}

function keep(db: DatabaseSync, { commit, write, remove, anew = false }: SavedChange): void {
  if (anew) db.exec("DELETE FROM files");
  const forget = db.prepare("DELETE FROM files WHERE path = ?");
  for (const path of remove) forget.run(path);
  const put = db.prepare("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)");
  for (const [path, { mode, oid, stamp, held }] of write) put.run(path, mode, oid, stamp, held ? 1 : 0);
  setFact(db, commitFact, commit);
}

function setFact(db: DatabaseSync, name: string, value: string | null): void {
  if (value === null) db.prepare("DELETE FROM facts WHERE name = ?").run(name);
  else db.prepare("INSERT OR REPLACE INTO facts VALUES (?, ?)").run(name, value);
}
