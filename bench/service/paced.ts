// Latency where nothing waits: a request at a time, in turn to each port, at a fixed rate.
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** As an application's own client would: over a kept connection, where the server keeps one. */
export async function pace(
  ports: readonly number[],
  { path, body }: { path: string; body: string },
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<number[][]> {
  const agent = new Agent({ keepAlive: true });
  const times = ports.map((): number[] => []);
  const began = performance.now();
  for (let count = 0; count < perSecond * seconds; count += 1) {
    const waitMs = began + (count * 1000) / perSecond - performance.now();
    if (waitMs > 0) await delay(waitMs);
    const index = count % ports.length;
    times[index]?.push(await post(agent, ports[index] ?? 0, path, body));
  }
  agent.destroy();
  return times;
}

function post(agent: Agent, port: number, path: string, body: string): Promise<number> {
  const headers = { "content-type": "application/json", "content-length": body.length };
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const options = { agent, host: "127.0.0.1", port, path, method: "POST", headers };
    const outgoing = request(options, (answer) => {
      answer.once("error", reject);
      answer.resume().once("end", () => {
        if (answer.statusCode === 200) resolve(performance.now() - began);
        else reject(new Error(`port ${port} answered ${answer.statusCode}`));
      });
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}
