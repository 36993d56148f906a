// Opens WebSockets and keeps one message under way on each, counting the echoes.
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { headers, type HttpLoad } from "./load-http.ts";

const message = Buffer.alloc(64, "m");
const openAtOnce = 50;

export async function loadEcho(port: number, count: number, seconds: number): Promise<HttpLoad> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const some = Array.from(
      { length: Math.min(openAtOnce, count - sockets.length) },
      () => new WebSocket(`ws://127.0.0.1:${port}/echo`, { headers, perMessageDeflate: false }),
    );
    await Promise.all(some.map((socket) => once(socket, "open")));
    sockets.push(...some);
  }
  const latencies: number[] = [];
  let running = true;
  for (const socket of sockets) {
    let sentAt = 0;
    const send = () => {
      sentAt = performance.now();
      socket.send(message);
    };
    socket.on("message", () => {
      latencies.push(performance.now() - sentAt);
      if (running) send();
    });
    send();
  }
  const start = performance.now();
  await delay(seconds * 1000);
  const echoed = latencies.length;
  const tookSeconds = (performance.now() - start) / 1000;
  running = false;
  const sorted = Float64Array.from(latencies).toSorted();
  for (const socket of sockets) socket.terminate();
  return {
    count: echoed,
    seconds: tookSeconds,
    p50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? Number.NaN,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
  };
}
