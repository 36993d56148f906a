// One worker: a model, its queue, and a server on the port that all workers share.
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { createBatcher } from "./batch.ts";
import { openMetrics, writeMetrics } from "./metrics.ts";
import { loadModel } from "./model.ts";
import type { Options } from "./options.ts";
import { loadRuntime } from "./runtime.ts";
import { startServer, type ModelServer } from "./server.ts";

export type WorkerPlace = {
  /** The program's file, beside which onnxruntime is looked for. */
  program: string;
  options: Options;
  /** Which of the workers; the first is 0. */
  number: number;
  counters: SharedArrayBuffer;
  port: number;
  isShared: boolean;
};

/** @throws SestaError START_FAILED for the model or the runtime; the system's own error for the port */
export async function startWorker(place: WorkerPlace, clock: Clock, log: Log): Promise<ModelServer> {
  const { program, options, number, counters, port, isShared } = place;
  const { name, version, maxBatch, maxBodyBytes, host } = options;
  const runtime = loadRuntime(program, options.runtime);
  const model = loadModel(runtime, { path: options.model, name, version });
  if (number === 0 && model.leftOut.length > 0)
    log.warn("outputs that are no tensors are left out", { outputs: model.leftOut.join(", ") });
  const metrics = openMetrics(counters, number);
  const batcher = createBatcher(model, { maxRows: maxBatch, maxWaiting: 1_000, onRun: metrics.ran });
  const serving = {
    model,
    batcher,
    metrics,
    writeMetrics: () => writeMetrics(counters, name),
    maxBodyBytes,
    monotonic: clock.monotonic,
    log,
  };
  return startServer(serving, { host, port, isShared });
}
