// Load on a service: connections that each ask one request after the other, and how every one of them ended.
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";

export type Outcome = { method: string; path: string; startedAt: number; endedAt: number; ok: boolean };

/** Every fourth request is a POST with a body; each path is asked once. `stop` resolves with all outcomes. */
export function startServiceLoad(
  port: number,
  connections: number,
): { outcomes: Outcome[]; stop(): Promise<void> } {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const outcomes: Outcome[] = [];
  const over = new AbortController();
  let count = 0;
  const one = async () => {
    while (!over.signal.aborted) {
      count += 1;
      const method = count % 4 === 0 ? "POST" : "GET";
      const path = `/${count}`;
      const startedAt = performance.now();
      const ok = await ask(port, agent, method, path);
      outcomes.push({ method, path, startedAt, endedAt: performance.now(), ok });
    }
  };
  const all = Array.from({ length: connections }, one);
  return {
    outcomes,
    async stop() {
      over.abort();
      await Promise.all(all);
      agent.destroy();
    },
  };
}

function ask(port: number, agent: Agent, method: string, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = httpRequest({ port, host: "127.0.0.1", agent, method, path });
    request.on("error", () => resolve(false));
    request.on("response", (response: IncomingMessage) => {
      response.on("error", () => resolve(false));
      response.resume().on("end", () => resolve(response.statusCode === 200));
    });
    request.end(method === "POST" ? "body" : undefined);
  });
}
