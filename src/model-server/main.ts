// The model server's executable: `node main.ts --model PATH`; the same file is what its threads run.
import process from "node:process";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../base/clock.ts";
import { messageOf, SestaError } from "../base/errors.ts";
import { createLog } from "../base/log.ts";
import { parseOptions } from "./options.ts";
import { startWorker, type WorkerPlace } from "./worker.ts";
import { startWorkers } from "./workers.ts";

const log = createLog((line) => process.stderr.write(line), systemClock.now);
if (isMainThread) await serve();
else await join(workerData as WorkerPlace);

/** Prints where it listens as one line of JSON. */
async function serve(): Promise<void> {
  try {
    const options = parseOptions(process.argv.slice(2), process.env);
    const workers = await startWorkers(import.meta.filename, options, systemClock, log);
    let isStopping = false;
    const stop = async () => {
      if (isStopping) return;
      isStopping = true;
      await workers.stop();
      process.exit(0);
    };
    process.on("SIGTERM", () => void stop());
    process.on("SIGINT", () => void stop());
    const { host, name, version } = options;
    const url = `http://${host.includes(":") ? `[${host}]` : host}:${workers.port}`;
    process.stdout.write(
      `${JSON.stringify({ url, name, version, workers: workers.count, pid: process.pid })}\n`,
    );
  } catch (error) {
    const hint = error instanceof SestaError && error.hint !== undefined ? ` (${error.hint})` : "";
    process.stderr.write(`model-server: ${messageOf(error)}${hint}\n`);
    process.exit(1);
  }
}

async function join(place: WorkerPlace): Promise<void> {
  const server = await startWorker(place, systemClock, log);
  parentPort?.once("message", () => void server.stop(place.options.graceMs).then(() => process.exit(0)));
  parentPort?.postMessage("listening", []);
}
