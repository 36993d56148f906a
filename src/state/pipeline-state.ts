// What Sesta keeps of pipelines: their runs, and which trees of a service were validated. Within the project's database.
import { randomInt } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { PipelineRun, Validation } from "../model/pipeline.ts";
import { transact } from "./open.ts";

export const pipelineMigration = `CREATE TABLE pipeline_runs (
     id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, number INTEGER NOT NULL, created_at INTEGER NOT NULL,
     record TEXT NOT NULL, UNIQUE (pipeline, number)
   ) STRICT;
   CREATE TABLE validations (
     service TEXT NOT NULL, digest TEXT NOT NULL, at INTEGER NOT NULL, record TEXT NOT NULL,
     PRIMARY KEY (service, digest)
   ) STRICT, WITHOUT ROWID;`;

export type PipelineState = ReturnType<typeof pipelines>;

export function pipelines(db: DatabaseSync) {
  const read = <T>(row: Record<string, unknown>): T => JSON.parse(String(row["record"])) as T;
  return {
    /** Gives it its id and number. @param describe what else it is, given that id */
    addPipelineRun: (
      pipeline: string,
      createdAt: number,
      describe: (id: string) => Omit<PipelineRun, "id" | "pipeline" | "createdAt">,
    ): PipelineRun =>
      transact(db, () => {
        const last = db
          .prepare("SELECT max(number) AS last FROM pipeline_runs WHERE pipeline = ?")
          .get(pipeline)?.["last"];
        const number = Number(last ?? 0) + 1;
        const id = `${pipeline}-${number}-${randomInt(36 ** 3, 36 ** 4).toString(36)}`;
        const run: PipelineRun = { id, pipeline, createdAt, ...describe(id) };
        db.prepare("INSERT INTO pipeline_runs VALUES (?, ?, ?, ?, ?)").run(
          id,
          pipeline,
          number,
          createdAt,
          JSON.stringify(run),
        );
        return run;
      }),
    savePipelineRun: (run: PipelineRun): void => {
      db.prepare("UPDATE pipeline_runs SET record = ? WHERE id = ?").run(JSON.stringify(run), run.id);
    },
    /** Newest first. */
    listPipelineRuns: (pipeline: string): PipelineRun[] =>
      db
        .prepare("SELECT record FROM pipeline_runs WHERE pipeline = ? ORDER BY number DESC")
        .all(pipeline)
        .map((row) => read<PipelineRun>(row)),
    deletePipelineRun: (id: string): void => {
      db.prepare("DELETE FROM pipeline_runs WHERE id = ?").run(id);
    },
    /** The newest word on a tree takes the place of the one before. */
    saveValidation: (validation: Validation): void => {
      db.prepare("INSERT OR REPLACE INTO validations VALUES (?, ?, ?, ?)").run(
        validation.service,
        validation.digest,
        validation.at,
        JSON.stringify(validation),
      );
    },
    /** @param digest `sha256:…` of the tree that would be deployed: see `digestTree` */
    findValidation: (service: string, digest: string): Validation | undefined => {
      const row = db
        .prepare("SELECT record FROM validations WHERE service = ? AND digest = ?")
        .get(service, digest);
      return row && read<Validation>(row);
    },
  };
}
