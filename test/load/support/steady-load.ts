// GET requests over kept connections, one after the other on each: how many were answered, how fast, and how others failed.
import { Agent, request, type IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export type SteadyLoad = {
  answered(): number;
  /** A line for each request that did not get its 1 KB with status 200. */
  failures: readonly string[];
  /** For a person to read. */
  figures(): string;
  stop(): Promise<void>;
};

const bucketMs = 0.1;
const bodyBytes = 1024;
const restMs = 20;

export function startSteadyLoad(port: number, connections = 32): SteadyLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const began = performance.now();
  const buckets = new Uint32Array(1_000_000);
  const failures: string[] = [];
  const over = new AbortController();
  let [sent, answered] = [0, 0];

  const one = async () => {
    while (!over.signal.aborted) {
      const at = performance.now();
      const path = `/${(sent += 1)}`;
      const problem = await ask(agent, port, path);
      const tookMs = performance.now() - at;
      if (problem === undefined) {
        answered += 1;
        const bucket = Math.min(buckets.length - 1, Math.floor(tookMs / bucketMs));
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
        continue;
      }
      failures.push(`${path} at ${(at - began).toFixed(0)} ms, after ${tookMs.toFixed(0)} ms: ${problem}`);
      await delay(restMs);
    }
  };
  const all = Array.from({ length: connections }, one);
  const percentileMs = (share: number) => {
    let count = 0;
    return (buckets.findIndex((here) => (count += here) >= answered * share) + 1) * bucketMs;
  };
  return {
    answered: () => answered,
    failures,
    figures() {
      const seconds = (performance.now() - began) / 1000;
      const [p50, p99, last] = [0.5, 0.99, 1].map((share) => percentileMs(share).toFixed(1));
      const rate = (answered / seconds).toFixed(0);
      return `${answered} answered, ${failures.length} failed in ${seconds.toFixed(0)} s: ${rate} req/s, p50 ${p50} ms, p99 ${p99} ms, longest ${last} ms`;
    },
    async stop() {
      over.abort();
      await Promise.all(all);
      agent.destroy();
    },
  };
}

/** Undefined when it is answered as it should be. */
function ask(agent: Agent, port: number, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const outgoing = request({ agent, host: "127.0.0.1", port, path }, (answer: IncomingMessage) => {
      let [count, text] = [0, ""];
      answer.on("data", (piece: Buffer) => {
        count += piece.length;
        if (answer.statusCode !== 200) text += piece.toString();
      });
      answer.on("error", (error) => resolve(`in the body: ${error.message}`));
      answer.on("end", () => {
        const isWell = answer.statusCode === 200 && count === bodyBytes;
        resolve(isWell ? undefined : `${answer.statusCode}, ${count} bytes ${text.slice(0, 200)}`);
      });
    });
    outgoing.on("error", (error) => resolve(error.message));
    outgoing.end();
  });
}
