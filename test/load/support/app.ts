// A well-behaved application for load: 1 KB to whoever asks, bodies of any size, echoing WebSockets, and ruin on demand.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { WebSocketServer } from "ws";

console.log("begins");
if (existsSync("doom")) process.exit(3);
const version = existsSync("version") ? readFileSync("version", "utf8") : "";
const page = JSON.stringify({ version, pid: process.pid }).padEnd(1024);
const block = Buffer.alloc(65_536, "x");
const leakEveryMs = 100;
const hoard: Buffer[] = [];

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
server.on("upgrade", (request, socket, head) => {
  if (request.url === "/broken") socket.destroy();
  else sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit("connection", opened, request));
});
process.on("SIGTERM", () => {
  server.close(() => process.exit());
  for (const socket of sockets.clients) socket.close(1001);
});
server.listen({ port: Number(process.env["PORT"]), host: "127.0.0.1", backlog: 4_096 });

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, verb, value] = (request.url ?? "").split("/");
  if (request.method !== "GET") {
    let count = 0;
    for await (const piece of request) count += (piece as Buffer).length;
    if (verb === "leak") setInterval(() => hoard.push(Buffer.alloc(Number(value), 1)), leakEveryMs);
    if (verb === "doom") writeFileSync("doom", "");
    response.end(String(count));
  } else if (verb === "bytes") {
    const head = response.writeHead(200, { "Content-Length": Number(value) });
    await pipeline(Readable.from(listBlocks(Number(value))), head);
  } else response.end(verb === "health" ? "OK" : page);
}

function* listBlocks(total: number): Generator<Buffer> {
  for (let left = total; left > 0; left -= block.length) yield block.subarray(0, left);
}
