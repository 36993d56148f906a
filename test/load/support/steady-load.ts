// Well-behaved clients for minutes: kept connections that ask one request after the other; counts, not a list of them all.
import { Agent, request, type IncomingMessage } from "node:http";
import { until } from "../../faults/support/processes.ts";

export type SteadyLoad = {
  /** Answered so far, well or not. */
  asked(): number;
  /** How each failed one failed, the first hundred. */
  readonly failures: readonly string[];
  failed(): number;
  /** Resolves when the last answer is there. */
  stop(): Promise<{ requests: number; failed: number; perSecond: number; p50Ms: number; p99Ms: number }>;
};

const bucketMs = 0.25;
const failuresKept = 100;

/** GET of each of `paths` in turn; every answer must be 200 with its 1024 bytes. */
export function startSteadyLoad(
  port: number,
  connections: number,
  paths: readonly string[] = ["/"],
): SteadyLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const counts = new Uint32Array(400_000);
  const failures: string[] = [];
  const [begun, over] = [performance.now(), new AbortController()];
  let [asked, failed, turn] = [0, 0, 0];
  const one = async () => {
    while (!over.signal.aborted) {
      turn += 1;
      const path = paths[turn % paths.length] ?? "/";
      const from = performance.now();
      const problem = await ask(port, agent, path);
      const to = performance.now();
      const bucket = Math.min(counts.length - 1, Math.floor((to - from) / bucketMs));
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      asked += 1;
      if (problem === undefined) continue;
      failed += 1;
      if (failures.length < failuresKept)
        failures.push(
          `${path} after ${Math.round(to - from)} ms, ${Math.round(to - begun)} ms in: ${problem}`,
        );
    }
  };
  const all = Array.from({ length: connections }, one);
  return {
    asked: () => asked,
    failures,
    failed: () => failed,
    async stop() {
      over.abort();
      await Promise.all(all);
      agent.destroy();
      const seconds = (performance.now() - begun) / 1000;
      const at = (share: number) => findShare(counts, asked * share) * bucketMs;
      return { requests: asked, failed, perSecond: asked / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
    },
  };
}

/** Until heap and caches of who answers are as they stay, so that what grows later is told from that. */
export async function warmUp(port: number): Promise<void> {
  const load = startSteadyLoad(port, 64);
  await until(() => load.asked() > 50_000, "it answers too little", 120_000);
  await load.stop();
}

/** What went wrong, if something did. */
function ask(port: number, agent: Agent, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const outgoing = request({ port, host: "127.0.0.1", agent, path });
    outgoing.on("error", (error) => resolve(error.message));
    outgoing.on("response", (response: IncomingMessage) => {
      let [length, text] = [0, ""];
      response.on("error", (error) => resolve(`in its body: ${error.message}`));
      response.on("data", (piece: Buffer) => {
        length += piece.length;
        if (response.statusCode !== 200) text += piece.toString();
      });
      response.on("end", () => {
        if (response.statusCode === 200 && length === 1024) resolve(undefined);
        else resolve(`${response.statusCode}, ${length} bytes: ${text.slice(0, 200)}`);
      });
    });
    outgoing.end();
  });
}

function findShare(counts: Uint32Array, count: number): number {
  let sum = 0;
  return counts.findIndex((one) => (sum += one) >= count);
}
