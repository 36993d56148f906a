// What stands behind the proxies: `http PORT` answers 1 KB, `echo PORT` echoes WebSocket messages.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const [kind, port] = process.argv.slice(2);
if (kind === "http") {
  const body = Buffer.alloc(1024, "x");
  createServer((_request, response) =>
    response.writeHead(200, { "Content-Length": body.length }).end(body),
  ).listen(Number(port), "127.0.0.1");
} else {
  const server = new WebSocketServer({
    port: Number(port),
    host: "127.0.0.1",
    perMessageDeflate: false,
    backlog: 2048,
  });
  server.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
}
