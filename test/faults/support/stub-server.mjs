// A stand-in for what a workload runs: serves, crashes, hangs or lingers as the file `behaviour` in its workspace says.
import { spawn } from "node:child_process";
import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { createHash } from "node:crypto";
import { join } from "node:path";

const [port, workspace, runtime, tokenFile] = process.argv.slice(2);
const read = (name, otherwise) => {
  try {
    return readFileSync(join(workspace, name), "utf8").trim();
  } catch {
    return otherwise;
  }
};
const behaviour = new Set(read("behaviour", "").split(" "));
const delayMs = Number(read("delay", "0"));
appendFileSync(join(workspace, "starts"), `${process.pid} ${port}\n`);
process.stdout.write(`starts with ${[...behaviour].join(" ")}\n`);

if (behaviour.has("stubborn")) process.on("SIGTERM", () => undefined);
if (behaviour.has("kernel")) {
  const ignoring = behaviour.has("stubborn") ? "trap '' TERM; " : "";
  const kernel = spawn("sh", ["-c", `${ignoring}while :; do sleep 1; done # ${workspace}`], {
    detached: true,
    stdio: "ignore",
  });
  kernel.unref();
  writeFileSync(join(workspace, "kernel"), String(kernel.pid));
}
setTimeout(begin, delayMs);

function begin() {
  if (behaviour.has("crash")) {
    process.stderr.write("the last words of a crash\n");
    process.exit(1);
  }
  if (behaviour.has("hang")) return void setInterval(() => undefined, 60_000);
  if (behaviour.has("squatted")) return squatted();
  const token = `token ${readFileSync(tokenFile, "utf8")}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== token) return void response.writeHead(403).end();
    if (request.url === "/exit") process.exit(3);
    if (request.url === "/stop" && request.method === "POST") {
      response.end("ending", () => setTimeout(() => process.exit(0), Number(read("stop-delay", "0"))));
      return;
    }
    response.end(`process ${process.pid}`);
  });
  server.on("upgrade", (request, socket) => {
    const digest = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${digest}\r\n\r\n`,
    );
    socket.on("error", () => undefined);
  });
  server.once("error", (error) => {
    process.stderr.write(`cannot listen: ${error.code}\n`);
    process.exit(1);
  });
  server.listen(Number(port), "127.0.0.1", () => {
    writeFileSync(join(runtime, "bound.new"), "");
    renameSync(join(runtime, "bound.new"), join(runtime, `bound-${process.pid}.json`));
  });
}

// Somebody else has the port, answers everything with 200, and writes down what he is told.
function squatted() {
  const squatter = createTcpServer((socket) => {
    socket.on("data", (bytes) => {
      appendFileSync(join(workspace, "overheard"), bytes);
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    });
    socket.on("error", () => undefined);
  });
  squatter.listen(Number(port), "127.0.0.1", () => setInterval(() => undefined, 60_000));
}
