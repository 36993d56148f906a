// All workers of one server: the first is this thread, the others are threads that are replaced when they die.
import { createServer, type AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import type { Clock } from "../base/clock.ts";
import { messageOf, SestaError, systemCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { createCounters } from "./metrics.ts";
import type { Options } from "./options.ts";
import { startWorker, type WorkerPlace } from "./worker.ts";

export type Workers = { port: number; count: number; stop(): Promise<void> };

const firstPauseMs = 100;
const longestPauseMs = 30_000;
/** Of a thread's short-lived objects; the requests of a worker fit, and its memory stays small. */
const youngMegabytes = 2;

/**
 * Resolves when the first worker listens. Threads share one process, so that the program and onnxruntime are in memory
 * once; the kernel spreads connections over their sockets (SO_REUSEPORT).
 * @throws SestaError START_FAILED, PORT_TAKEN
 */
export async function startWorkers(
  program: string,
  options: Options,
  clock: Clock,
  log: Log,
): Promise<Workers> {
  const count = canShare(log, options.workers) ? options.workers : 1;
  const counters = createCounters(count);
  const isShared = count > 1;
  const port = isShared ? await reserve(options) : options.port;
  const place: WorkerPlace = { program, options, number: 0, counters, port, isShared };
  const first = await startWorker(place, clock, log).catch(translate(options));
  const stopping = new AbortController();
  const others = Array.from({ length: count - 1 }, (_, index) =>
    keepWorker({ ...place, number: index + 1 }, clock, log, stopping.signal),
  );
  return {
    port: first.port,
    count,
    async stop() {
      stopping.abort();
      await Promise.all([first.stop(options.graceMs), ...others]);
    },
  };
}

/** Resolves when `stopped` and the thread has ended by itself. */
async function keepWorker(place: WorkerPlace, clock: Clock, log: Log, stopped: AbortSignal): Promise<void> {
  for (let pauseMs = firstPauseMs; !stopped.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const began = clock.monotonic();
    const why = await runThread(place, log, stopped);
    if (stopped.aborted) return;
    if (clock.monotonic() - began > longestPauseMs) pauseMs = firstPauseMs;
    log.error("a worker died and is replaced", { worker: place.number, why });
    await clock.sleep(pauseMs, stopped).catch(() => undefined);
  }
}

function runThread(place: WorkerPlace, log: Log, stopped: AbortSignal): Promise<string> {
  const worker = new Worker(place.program, {
    workerData: place,
    resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes },
  });
  const stop = () => worker.postMessage("stop", []);
  stopped.addEventListener("abort", stop);
  let why = "it ended";
  worker.once("message", () => log.debug("a worker listens", { worker: place.number }));
  worker.once("error", (error) => (why = messageOf(error)));
  return new Promise((resolve) => {
    worker.once("exit", () => {
      stopped.removeEventListener("abort", stop);
      resolve(why);
    });
  });
}

/** Not on macOS, where a second socket would take all connections. (libuv, UV_TCP_REUSEPORT) */
function canShare(log: Log, wanted: number): boolean {
  if (wanted === 1 || process.platform === "linux") return true;
  log.warn("one worker: this system does not spread connections over several");
  return false;
}

/** A shared port would be shared with anybody of the same user: it must be nobody's yet. */
async function reserve(options: Options): Promise<number> {
  const { host, port } = options;
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen({ host, port }, resolve);
  }).catch(translate(options));
  const free = (probe.address() as AddressInfo).port;
  await new Promise((resolve) => probe.close(resolve));
  return free;
}

function translate({ host, port }: Options): (error: unknown) => never {
  return (error) => {
    if (systemCode(error) === "EADDRINUSE")
      throw new SestaError("PORT_TAKEN", `port ${port} of ${host} is in use by another program`, {
        cause: error,
      });
    if (systemCode(error) !== undefined && !(error instanceof SestaError))
      throw new SestaError("START_FAILED", `cannot listen on ${host}:${port}: ${messageOf(error)}`, {
        cause: error,
      });
    throw error;
  };
}
