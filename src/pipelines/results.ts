// Results of stages by all that went into them: the same again is not done again.
import { createHash } from "node:crypto";
import { readFile, utimes } from "node:fs/promises";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { writeAtomic } from "../base/atomic-file.ts";
import type { OutputFile, StageRecord, StageSection } from "../model/pipeline.ts";
import { digestOutputs } from "./output-store.ts";

/** What is the same of a stage whenever its inputs are. */
export type StageResult = Pick<
  StageRecord,
  "tookMs" | "exitCode" | "figure" | "outputs" | "tests" | "artefact" | "release" | "log"
>;

export type Inputs = {
  /** Git's digest of the committed tree. */
  tree: string;
  /** Of all stages that it needs, in the order in which they are laid. */
  outputs: readonly OutputFile[];
  environment: string | null;
  /** Stand for the values of its variables. */
  variables: Readonly<Record<string, string>>;
  /** Of what it builds or deploys. */
  service: string | null;
};

/** How a result is written; another one is not read. */
const format = 1;

/** What does not change a result (its time limit, whom it waits for) is not in it. */
export function buildKey({ name, work, metric, outputs, junit }: StageSection, inputs: Inputs): string {
  const parts = [
    format,
    platform(),
    arch(),
    { name, work, metric: metric ?? null, outputs, junit },
    { ...inputs, outputs: digestOutputs(inputs.outputs) },
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** @param now wall time in milliseconds */
export async function findResult(folder: string, key: string, now: number): Promise<StageResult | undefined> {
  try {
    const read = JSON.parse(await readFile(join(folder, `${key}.json`), "utf8")) as {
      key?: unknown;
      result?: StageResult;
    };
    if (read.key !== key) return undefined;
    await utimes(join(folder, `${key}.json`), now / 1000, now / 1000); // in use: it is not cleared away
    return read.result;
  } catch {
    return undefined; // none, or one that was cut off: it is made anew
  }
}

export async function keepResult(folder: string, key: string, result: StageResult): Promise<void> {
  await writeAtomic(join(folder, `${key}.json`), `${JSON.stringify({ key, result })}\n`);
}

export function takeResult(record: StageRecord): StageResult {
  const { tookMs, exitCode, figure, outputs, tests, artefact, release, log } = record;
  return { tookMs, exitCode, figure, outputs, tests, artefact, release, log };
}
