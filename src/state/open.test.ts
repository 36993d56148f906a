// Databases that survive: private, migrated once, refused when newer or damaged, held by one when asked, whole after a kill.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openDatabase, transact } from "./open.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-state-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const newPath = () => join(folder, `${(count += 1)}`, "state.db");

const first = "CREATE TABLE notes (text TEXT NOT NULL) STRICT";
const second = "ALTER TABLE notes ADD COLUMN at INTEGER";
const module = join(import.meta.dirname, "open.ts");

/** Another process that runs `code` with `db` open, and says when it is ready. */
async function elsewhere(path: string, exclusive: boolean, code: string) {
  const script = `import { openDatabase, transact } from ${JSON.stringify(module)};
    const db = openDatabase(${JSON.stringify(path)}, [${JSON.stringify(first)}], { exclusive: ${exclusive} });
    ${code}`;
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", script],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: said.toString() };
}

describe("opened", () => {
  test("T16: the database, its journal and its folder are the owner's alone, whatever the umask", () => {
    const before = process.umask(0);
    const path = newPath();
    try {
      const db = openDatabase(path, [first]);
      db.exec("INSERT INTO notes VALUES ('x')");
      const modes = [path, `${path}-wal`, `${path}-shm`, join(path, "..")].map(
        (one) => statSync(one).mode & 0o777,
      );
      expect(modes).toEqual([0o600, 0o600, 0o600, 0o700]);
      db.close();
    } finally {
      process.umask(before);
    }
  });

  test("T16: one that others could read is closed to them", () => {
    const path = newPath();
    openDatabase(path, [first]).close();
    chmodSync(path, 0o644);
    const db = openDatabase(path, [first]);
    expect([path, `${path}-wal`].map((one) => statSync(one).mode & 0o777)).toEqual([0o600, 0o600]);
    db.close();
  });

  test("F6: durable: write-ahead log, synced at each commit", () => {
    const db = openDatabase(newPath(), [first]);
    const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    expect([pragma("journal_mode"), pragma("synchronous"), pragma("foreign_keys")]).toEqual(["wal", 2, 1]);
    db.close();
  });

  test("migrations run once each, in their order, also on a database of before", () => {
    const path = newPath();
    const old = openDatabase(path, [first]);
    old.exec("INSERT INTO notes VALUES ('kept')");
    old.close();
    for (let round = 0; round < 2; round++) {
      const db = openDatabase(path, [first, second]);
      expect({ ...db.prepare("SELECT * FROM notes").get() }).toEqual({ text: "kept", at: null });
      db.close();
    }
  });

  test("a migration that fails leaves everything as it was", () => {
    const path = newPath();
    openDatabase(path, [first]).close();
    expect(() => openDatabase(path, [first, second, "NONSENSE"])).toThrow();
    const db = openDatabase(path, [first]);
    expect(db.prepare("PRAGMA user_version").get()?.["user_version"]).toBe(1);
    expect(db.prepare("PRAGMA table_info(notes)").all()).toHaveLength(1);
    db.close();
  });
});

describe("refused", () => {
  test("F24: one of a newer Sesta", () => {
    const path = newPath();
    openDatabase(path, [first, second]).close();
    expect(() => openDatabase(path, [first])).toThrow(
      expect.objectContaining({ code: "STATE_NEWER" }) as Error,
    );
  });

  test("F23: one that is damaged, cut off anywhere, is refused or read as it was; never begun anew", () => {
    const path = newPath();
    const db = openDatabase(path, [first]);
    for (let row = 0; row < 200; row++)
      db.prepare("INSERT INTO notes VALUES (?)").run(`note ${row} ${"x".repeat(50)}`);
    db.close();
    const whole = readFileSync(path);
    const cut = join(folder, "cut.db");
    for (let size = 64; size < whole.length; size += 64 * 17) {
      for (const ending of ["-wal", "-shm"]) rmSync(cut + ending, { force: true });
      writeFileSync(cut, whole.subarray(0, size));
      let rows: number | string = "";
      try {
        const opened = openDatabase(cut, [first]);
        try {
          rows = Number(opened.prepare("SELECT count(*) AS n FROM notes").get()?.["n"]);
        } finally {
          opened.close();
        }
      } catch (error) {
        rows = String((error as { code?: string }).code);
      }
      expect([size, ["STATE_DAMAGED", "ERR_SQLITE_ERROR", 200].includes(rows)]).toEqual([size, true]);
    }
  });

  test("F23: something that is no database at all, which then is as it was", () => {
    const path = join(folder, "text.db");
    writeFileSync(path, "this is a letter, not a database. ".repeat(100));
    const before = readFileSync(path, "utf8");
    expect(() => openDatabase(path, [first])).toThrow(
      expect.objectContaining({ code: "STATE_DAMAGED", hint: expect.any(String) as string }) as Error,
    );
    expect(readFileSync(path, "utf8")).toBe(before);
  });

  test("a folder that cannot be made", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(() => openDatabase(join(file, "state.db"), [first])).toThrow(
      expect.objectContaining({ code: "STATE_FOLDER" }) as Error,
    );
  });
});

describe("held", () => {
  test("F17: by one process alone, and free at once when that is killed", async () => {
    const path = newPath();
    const { child } = await elsewhere(path, true, "console.log('held'); setInterval(() => db, 1000);");
    expect(() => openDatabase(path, [first], { exclusive: true })).toThrow(
      expect.objectContaining({ code: "BUSY" }) as Error,
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    openDatabase(path, [first], { exclusive: true }).close();
  });
});

describe("transactions", () => {
  test("all of it, or none", () => {
    const db = openDatabase(newPath(), [first]);
    const rows = () => Number(db.prepare("SELECT count(*) AS n FROM notes").get()?.["n"]);
    expect(transact(db, () => (db.exec("INSERT INTO notes VALUES ('a')"), "done"))).toBe("done");
    expect(() =>
      transact(db, () => {
        db.exec("INSERT INTO notes VALUES ('b')");
        throw new Error("no");
      }),
    ).toThrow("no");
    expect([rows(), db.isTransaction]).toEqual([1, false]);
    db.close();
  });

  test("F6: what a killed process had committed is there, what it had not is not", async () => {
    const path = newPath();
    const { child, said } = await elsewhere(
      path,
      false,
      `let n = 0;
       const next = () => { transact(db, () => { db.prepare("INSERT INTO notes VALUES (?)").run(String(n)); db.prepare("INSERT INTO notes VALUES (?)").run(String(n)); }); process.stdout.write(++n + "\\n"); setImmediate(next); };
       next();`,
    );
    let last = said;
    child.stdout.on("data", (text: Buffer) => (last += text.toString()));
    while (last.split("\n").length < 60) await new Promise((resolve) => setImmediate(resolve));
    child.kill("SIGKILL");
    await once(child, "close");
    const acknowledged = Number(last.trim().split("\n").at(-1));
    copyFileSync(path, `${path}.copy`);
    const db = openDatabase(path, [first]);
    const rows = db.prepare("SELECT text, count(*) AS n FROM notes GROUP BY text").all();
    expect(rows.length).toBeGreaterThanOrEqual(acknowledged);
    expect(rows.every((row) => row["n"] === 2)).toBe(true);
    db.close();
  });
});
