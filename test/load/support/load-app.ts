// The application of a load test, a replica's process: 1 KB answers, echoes, long bodies, and failings on request.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocketServer } from "ws";

const version = readFileSync("version.txt", "utf8");
const answer = JSON.stringify({ version, pid: process.pid }).padEnd(1024);
const block = Buffer.alloc(65_536, "x");
const hoard: Buffer[] = [];

const server = createServer(async (request, response) => {
  const [, verb, value] = (request.url ?? "/").split("/");
  if (verb === "down") {
    const bytes = Number(value);
    const headers = request.url?.endsWith("/chunked") ? {} : { "Content-Length": bytes };
    return void (await pipeline(Readable.from(blocks(bytes)), response.writeHead(200, headers)).catch(
      () => {},
    ));
  }
  let received = 0;
  try {
    for await (const piece of request as AsyncIterable<Buffer>) received += piece.length;
  } catch {
    return;
  }
  if (verb === "up") return void response.end(String(received));
  if (verb === "slow") await delay(Number(value));
  if (verb === "leak") hoard.push(Buffer.alloc(Number(value), "x"));
  if (verb === "deaf") response.on("finish", () => server.close()); // lives on, and takes no connection any more
  response.setHeader("Content-Length", 1024);
  if (verb === "deaf") response.setHeader("Connection", "close");
  response.end(answer);
});
const sockets = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  if (request.url === "/reset") return void socket.destroy();
  sockets.handleUpgrade(request, socket, head, (client) => {
    client.on("error", () => {});
    client.on("message", (data) => client.send(data));
  });
});
setInterval(() => {}, 60_000); // also when it takes no connection any more
server.listen(Number(process.env["PORT"]), "127.0.0.1");

function* blocks(total: number): Generator<Buffer> {
  for (let left = total; left > 0; left -= block.length)
    yield left < block.length ? block.subarray(0, left) : block;
}
