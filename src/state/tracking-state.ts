// What opens a tracker to runs: of each run's token, only the digest. Within the project's database.
import type { DatabaseSync } from "node:sqlite";

export const trackingMigration = `CREATE TABLE run_tokens (
     digest TEXT PRIMARY KEY, -- SHA-256 in hexadecimal
     workload TEXT NOT NULL, run TEXT NOT NULL
   ) STRICT;`;

export function tracking(db: DatabaseSync) {
  return {
    /** The workload that each opens, by digest. */
    listRunTokens: (): ReadonlyMap<string, string> =>
      new Map(
        db
          .prepare("SELECT digest, workload FROM run_tokens")
          .all()
          .map((row) => [String(row["digest"]), String(row["workload"])]),
      ),
    saveRunToken: (digest: string, workload: string, run: string): void => {
      db.prepare("INSERT OR REPLACE INTO run_tokens VALUES (?, ?, ?)").run(digest, workload, run);
    },
    deleteRunToken: (digest: string): void => {
      db.prepare("DELETE FROM run_tokens WHERE digest = ?").run(digest);
    },
    /** Of one run, which needs them no more. */
    deleteRunTokens: (run: string): void => {
      db.prepare("DELETE FROM run_tokens WHERE run = ?").run(run);
    },
  };
}
