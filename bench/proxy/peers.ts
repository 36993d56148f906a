// Starts the backends and each proxy in a process of its own, on free ports of this machine.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export type Peer = { name: string; http: Side; echo: Side; stop(): void };

export type Side = {
  port: number;
  /** CPU time that its process used so far. */
  cpuMs(): number;
  rssBytes(): number;
};

const chp = "configurable-http-proxy@5.3.0";
const clockTicks = 100; // per second, on Linux

/** Each peer has one port before the 1 KB backend, and one before the WebSocket echo. */
export async function startPeers(): Promise<Peer[]> {
  const nginx = findNginx();
  const [http = 0, echo = 0, ...ports] = await findFreePorts(10);
  const httpBackend = nginx
    ? startNginx(nginx, `server { listen 127.0.0.1:${http}; ${oneKilobyte} }`)
    : startScript("backend.ts", "http", http);
  const peers = [buildPeer("direct", [http, httpBackend], [echo, startScript("backend.ts", "echo", echo)])];

  const command = installChp();
  if (command === undefined) console.log(`configurable-http-proxy is left out: npm could not fetch ${chp}`);
  else {
    const [one = 0, oneApi = 0, two = 0, twoApi = 0] = ports.splice(0, 4);
    const start = (port: number, api: number, target: number): [number, ChildProcess] => {
      const addresses = [
        "--ip",
        "127.0.0.1",
        "--port",
        `${port}`,
        "--api-ip",
        "127.0.0.1",
        "--api-port",
        `${api}`,
      ];
      const route = ["--default-target", `http://127.0.0.1:${target}`, "--log-level", "error"];
      return [port, spawnQuiet(process.execPath, [command, ...addresses, ...route])];
    };
    peers.push(buildPeer("configurable-http-proxy", start(one, oneApi, http), start(two, twoApi, echo)));
  }
  const [nginxHttp = 0, nginxEcho = 0, doorHttp = 0, doorEcho = 0] = ports.splice(-4);
  if (nginx) {
    const child = startNginx(nginx, nginxProxy(nginxHttp, http) + nginxProxy(nginxEcho, echo));
    peers.push(buildPeer("nginx", [nginxHttp, child], [nginxEcho, child]));
  } else console.log("nginx is left out: it is not installed");
  const startDoor = (port: number, target: number): [number, ChildProcess] => [
    port,
    startScript("door.ts", port, target),
  ];
  peers.push(buildPeer("sesta", startDoor(doorHttp, http), startDoor(doorEcho, echo)));

  await Promise.all(peers.flatMap((peer) => [untilOpen(peer.http.port), untilOpen(peer.echo.port)]));
  return peers;
}

export function findNginx(): string | undefined {
  return ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"].find((path) => existsSync(path));
}

function buildPeer(name: string, http: [number, ChildProcess], echo: [number, ChildProcess]): Peer {
  const stop = () => [http, echo].forEach(([, child]) => child.kill());
  return { name, http: buildSide(...http), echo: buildSide(...echo), stop };
}

export function buildSide(port: number, { pid = 0 }: Pick<ChildProcess, "pid">): Side {
  return { port, cpuMs: () => readCpu(pid), rssBytes: () => readRss(pid) };
}

function readCpu(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / clockTicks;
}

function readRss(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

function installChp(): string | undefined {
  const folder = join(tmpdir(), "sesta-bench", chp);
  const command = join(folder, "node_modules/configurable-http-proxy/bin/configurable-http-proxy");
  if (existsSync(command)) return command;
  mkdirSync(folder, { recursive: true });
  spawnSync("npm", ["install", "--no-save", "--prefix", folder, chp], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return existsSync(command) ? command : undefined;
}

export const oneKilobyte = `location / { default_type text/plain; return 200 "${"x".repeat(1024)}"; }`;

function nginxProxy(port: number, target: number): string {
  return `
  upstream to${target} { server 127.0.0.1:${target}; keepalive 128; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${port} backlog=2048; location / {
    proxy_pass http://to${target}; proxy_http_version 1.1; proxy_read_timeout 600s;
    proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header Authorization "token 0123456789abcdef";
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $upgrade_or_keep;
  } }`;
}

/** One process: the master works itself. */
export function startNginx(nginx: string, servers: string): ChildProcess {
  const folder = mkdtempSync(join(tmpdir(), "sesta-bench-nginx-"));
  const config = `daemon off; master_process off; worker_rlimit_nofile 8192; pid ${folder}/pid; error_log /dev/null;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder};
  scgi_temp_path ${folder}; map $http_upgrade $upgrade_or_keep { default upgrade; '' ''; } ${servers}
}`;
  writeFileSync(join(folder, "nginx.conf"), config);
  return spawnQuiet(nginx, ["-p", folder, "-c", join(folder, "nginx.conf")]);
}

export function startScript(name: string, ...options: (string | number)[]): ChildProcess {
  return spawnQuiet(process.execPath, [
    fileURLToPath(new URL(name, import.meta.url)),
    ...options.map(String),
  ]);
}

export function spawnQuiet(command: string, options: readonly string[]): ChildProcess {
  return spawn(command, options, { stdio: ["ignore", "ignore", "inherit"] });
}

export async function findFreePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export async function untilOpen(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false)).on("connect", () => socket.destroy());
    });
    if (open) return;
    await delay(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}
