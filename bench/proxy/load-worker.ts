// The load client where wrk is missing: one request under way on each connection; posts what load-http.ts returns.
import { connect } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import type { HttpLoad } from "./load-http.ts";

const { port, connections, seconds, headers } = workerData as {
  port: number;
  connections: number;
  seconds: number;
  headers: Record<string, string>;
};
const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${lines.join("")}\r\n`;
const latencies: number[] = [];
const start = performance.now();
const sockets = Array.from({ length: connections }, () => {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let received = 0;
  let expected = 0;
  let sentAt = 0;
  const send = () => {
    sentAt = performance.now();
    socket.write(request);
  };
  socket.on("connect", send);
  socket.on("data", (bytes) => {
    if (expected === 0) {
      const end = bytes.indexOf("\r\n\r\n");
      const head = bytes.toString("latin1", 0, end);
      if (!head.startsWith("HTTP/1.1 200")) throw new Error(head);
      expected = end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1]);
    }
    received += bytes.length;
    if (received < expected) return;
    received = expected = 0;
    latencies.push(performance.now() - sentAt);
    send();
  });
  return socket;
});
setTimeout(() => {
  for (const socket of sockets) socket.destroy();
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  const tookSeconds = (performance.now() - start) / 1000;
  const result: HttpLoad = { count: sorted.length, seconds: tookSeconds, p50Ms: at(0.5), p99Ms: at(0.99) };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
  parentPort?.postMessage(result);
}, seconds * 1000);
