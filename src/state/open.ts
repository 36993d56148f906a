// Opens a SQLite database that survives kill -9, refuses a newer or damaged one, and applies what is missing.
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { findDiskError } from "../base/disk-error.ts";
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
  try {
    if (!existsSync(path)) create(path, migrations);
    chmodSync(path, 0o600);
    refuseCut(path);
    return connect(path, migrations, options);
  } catch (error) {
    throw translate(error, path);
  }
}

/**
 * Holds a lock that the kernel lets go of when this process ends, however that is; `close` lets go of it before.
 * @throws SestaError BUSY when another process holds it
 */
export function holdLock(path: string): { close(): void } {
  try {
    makeFolder(path);
    closeSync(openSync(path, "a", 0o600));
    const db = new DatabaseSync(path, { timeout: 300 });
    db.exec("BEGIN EXCLUSIVE"); // nothing is ever written, so nothing can be damaged
    return db;
  } catch (error) {
    throw translate(error, path);
  }
}

/** The same functions; what SQLite throws in them says what happened and what to do. */
export function explained<Api extends Record<string, unknown>>(path: string, api: Api): Api {
  const entries = Object.entries(api).map(([name, member]) => {
    if (typeof member !== "function") return [name, member];
    const call = (...args: unknown[]): unknown => {
      try {
        return member(...args) as unknown;
      } catch (error) {
        throw translate(error, path);
      }
    };
    return [name, call];
  });
  return Object.fromEntries(entries) as Api;
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

// Whole before it has its name: an empty file there is what was left of a database, never the beginning of one.
function create(path: string, migrations: Migrations): void {
  makeFolder(path);
  const fresh = `${path}.${process.pid}.new`;
  const remove = () =>
    ["", "-wal", "-shm", "-journal"].forEach((ending) => rmSync(`${fresh}${ending}`, { force: true }));
  remove();
  try {
    closeSync(openSync(fresh, "a", 0o600)); // SQLite gives its journal files the mode of the database file
    connect(fresh, migrations, {}).close();
    linkSync(fresh, path);
    syncFolder(dirname(path));
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error; // another process was faster
  } finally {
    remove();
  }
}

function makeFolder(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function connect(path: string, migrations: Migrations, { exclusive = false }: OpenOptions): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: exclusive ? 300 : 5_000 });
  try {
    if (exclusive) db.exec("PRAGMA locking_mode = EXCLUSIVE");
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    if (exclusive) db.exec("BEGIN EXCLUSIVE; COMMIT");
    migrate(db, path, migrations);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** SQLite takes an empty file for a new database, and reads on in one that was cut off until it misses a page. */
function refuseCut(path: string): void {
  const { size } = statSync(path);
  const journal = `${path}-wal`;
  if (size > 0 && existsSync(journal) && statSync(journal).size > 0) return; // pages may be there
  const wanted = size < headBytes ? headBytes : findWantedSize(path);
  if (wanted <= size) return;
  throw new SestaError(
    "STATE_DAMAGED",
    `${path} is damaged: it has ${size} bytes and should have ${wanted} or more`,
    {
      hint: damagedHint,
    },
  );
}

const headBytes = 100;
const damagedHint =
  "Put a backup in its place, or move it away and run `sesta up`; workspaces are not in it.";

/** Page size times pages, see https://www.sqlite.org/fileformat.html#the_database_header */
function findWantedSize(path: string): number {
  const head = Buffer.alloc(headBytes);
  const file = openSync(path, "r");
  try {
    readSync(file, head, 0, headBytes, 0);
  } finally {
    closeSync(file);
  }
  if (head.readUInt32BE(24) !== head.readUInt32BE(92)) return 0; // the count of pages is out of date
  const pageBytes = head.readUInt16BE(16);
  return (pageBytes === 1 ? 65_536 : pageBytes) * head.readUInt32BE(28);
}

function migrate(db: DatabaseSync, path: string, migrations: Migrations): void {
  if (versionOf(db) === migrations.length) return;
  transact(db, () => {
    const version = versionOf(db);
    if (version > migrations.length) {
      throw new SestaError(
        "STATE_NEWER",
        `${path} has version ${version}; this Sesta knows up to ${migrations.length}`,
        {
          hint: "Upgrade Sesta, or use the version that wrote it.",
        },
      );
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
  if (code === undefined) return error instanceof SestaError ? error : (findDiskError(error, path) ?? error);
  switch (code & 0xff) {
    case 5:
      return new SestaError("BUSY", `${path} is held by another process`, { cause: error });
    case 13:
      return new SestaError("DISK_FULL", `${path} cannot be written: the disk is full`, {
        hint: "Free some space and try again.",
        cause: error,
      });
    case 11:
    case 26:
      return new SestaError("STATE_DAMAGED", `${path} is damaged: ${messageOf(error)}`, {
        hint: damagedHint,
        cause: error,
      });
    case 8:
    case 10:
    case 14:
      return new SestaError("STATE_FOLDER", `${path} cannot be used: ${messageOf(error)}`, {
        hint: `Check that ${dirname(path)} may be written, and that its disk has space and is healthy.`,
        cause: error,
      });
    default:
      return error;
  }
}
