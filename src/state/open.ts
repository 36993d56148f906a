// Opens a SQLite database that survives kill -9, refuses a newer or damaged one, and applies what is missing.
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf, SestaError, systemCode } from "../base/errors.ts";

/** SQL that takes the schema from version `index` to `index + 1`; only ever appended to. */
export type Migrations = readonly string[];

export type OpenOptions = {
  /** Held by this process alone until it ends; a second opener gets BUSY. The kernel lets go of it when a process dies. */
  exclusive?: boolean;
};

/**
 * @throws SestaError STATE_NEWER, STATE_DAMAGED, STATE_FOLDER, DISK_FULL, or BUSY when held exclusively by another
 */
export function openDatabase(path: string, migrations: Migrations, options: OpenOptions = {}): DatabaseSync {
  createPrivately(path);
  try {
    const db = new DatabaseSync(path, { timeout: options.exclusive ? 300 : 5_000 });
    if (options.exclusive) db.exec("PRAGMA locking_mode = EXCLUSIVE");
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    if (options.exclusive) db.exec("BEGIN EXCLUSIVE; COMMIT");
    migrate(db, path, migrations);
    return db;
  } catch (error) {
    throw translate(error, path);
  }
}

/** Runs `work` in one transaction: all of it is kept, or none. */
export function transact<T>(db: DatabaseSync, work: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

// SQLite gives its journal files the mode of the database file.
function createPrivately(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "a", 0o600));
    chmodSync(path, 0o600);
  } catch (error) {
    const full = systemCode(error) === "ENOSPC";
    throw new SestaError(full ? "DISK_FULL" : "STATE_FOLDER", `${path} cannot be written: ${messageOf(error)}`, {
      hint: full ? "Free some space and try again." : `Check who owns ${dirname(path)} and that it may be written.`,
      cause: error,
    });
  }
}

function migrate(db: DatabaseSync, path: string, migrations: Migrations): void {
  if (versionOf(db) === migrations.length) return;
  transact(db, () => {
    const version = versionOf(db);
    if (version > migrations.length) {
      throw new SestaError("STATE_NEWER", `${path} has version ${version}; this Sesta knows up to ${migrations.length}`, {
        hint: "Upgrade Sesta, or use the version that wrote it.",
      });
    }
    for (const sql of migrations.slice(version)) db.exec(sql);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
}

// Result codes: https://www.sqlite.org/rescode.html
function translate(error: unknown, path: string): unknown {
  const code = (error as { errcode?: number }).errcode;
  if (code === undefined) return error;
  const primary = code & 0xff;
  if (primary === 5) return new SestaError("BUSY", `${path} is held by another process`, { cause: error });
  if (primary === 13) {
    return new SestaError("DISK_FULL", `${path} cannot be written: the disk is full`, {
      hint: "Free some space and try again.",
      cause: error,
    });
  }
  if (primary === 11 || primary === 26) {
    return new SestaError("STATE_DAMAGED", `${path} is damaged: ${messageOf(error)}`, {
      hint: `Put a backup in its place, or move it away and run \`sesta up\`; workspaces are not in it.`,
      cause: error,
    });
  }
  return new SestaError("STATE_FOLDER", `${path} cannot be used: ${messageOf(error)}`, {
    hint: `Check that ${dirname(path)} may be written and that its disk is healthy.`,
    cause: error,
  });
}
