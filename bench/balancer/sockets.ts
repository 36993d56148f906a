// Many open WebSockets through a service's door, a few messages a second over all of them, and what stays when they close.
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";

export type SocketsLoad = {
  p50Ms: number;
  p99Ms: number;
  messages: number;
  rssBytes: number;
  socketsLeft: number;
};

const message = Buffer.alloc(64, "m");
const openAtOnce = 50;
const tickMs = 50;

/** @param pid of the door @param perSecond messages over all sockets, each echoed */
export async function loadSockets(
  port: number,
  pid: number,
  rssBytes: () => number,
  { sockets: count, perSecond, seconds }: { sockets: number; perSecond: number; seconds: number },
): Promise<SocketsLoad> {
  const countFiles = () => readdirSync(`/proc/${pid}/fd`).length;
  const before = countFiles();
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const some = Array.from(
      { length: Math.min(openAtOnce, count - sockets.length) },
      () => new WebSocket(`ws://127.0.0.1:${port}/echo`, { perMessageDeflate: false }),
    );
    await Promise.all(some.map((socket) => once(socket, "open")));
    sockets.push(...some);
  }
  const latencies: number[] = [];
  const sentAt = new Map<WebSocket, number>();
  for (const socket of sockets)
    socket.on("message", () => {
      latencies.push(performance.now() - (sentAt.get(socket) ?? 0));
      sentAt.delete(socket);
    });
  const perTick = (perSecond * tickMs) / 1000;
  for (let tick = 0; tick < (seconds * 1000) / tickMs; tick += 1) {
    for (let sent = 0; sent < perTick; sent += 1) {
      const socket = sockets[(tick * perTick + sent) % count];
      if (!socket || sentAt.has(socket)) continue;
      sentAt.set(socket, performance.now());
      socket.send(message);
    }
    await delay(tickMs);
  }
  const rss = rssBytes();
  for (const socket of sockets) socket.terminate();
  await delay(2_000);
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  const socketsLeft = countFiles() - before;
  return { p50Ms: at(0.5), p99Ms: at(0.99), messages: sorted.length, rssBytes: rss, socketsLeft };
}
