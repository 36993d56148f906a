// Two replicas that answer 1 KB, and before them nginx, Caddy and Sesta's service door, each in a process of its own.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  buildSide,
  findFreePorts,
  findNginx,
  oneKilobyte,
  spawnQuiet,
  startNginx,
  startScript,
  untilOpen,
  type Side,
} from "../proxy/peers.ts";

export type BalancerPeer = { name: string; pid: number; side: Side; stop(): void };

export async function startBalancerPeers(): Promise<BalancerPeer[]> {
  const nginx = findNginx();
  const [one = 0, two = 0, ...ports] = await findFreePorts(6);
  const backend = nginx
    ? startNginx(
        nginx,
        [one, two].map((port) => `server { listen 127.0.0.1:${port}; ${oneKilobyte} }`).join(""),
      )
    : startScript("backend.ts", "http", one);
  const replicas = nginx ? [one, two] : [one, one];
  const peers = [buildPeer("direct", one, backend)];
  const [nginxPort = 0, caddyPort = 0, caddyOne = 0, doorPort = 0] = ports;
  if (nginx) peers.push(buildPeer("nginx", nginxPort, startNginx(nginx, buildNginx(nginxPort, replicas))));
  else console.log("nginx is left out: it is not installed");
  if (spawnSync("caddy", ["version"]).error) console.log("Caddy is left out: it is not on PATH");
  else {
    peers.push(buildPeer("caddy", caddyPort, startCaddy(caddyPort, replicas, {})));
    peers.push(buildPeer("caddy, 1 core", caddyOne, startCaddy(caddyOne, replicas, { GOMAXPROCS: "1" })));
  }
  peers.push(buildPeer("sesta", doorPort, startServiceDoor(doorPort, replicas)));
  await Promise.all(peers.map(({ side }) => untilOpen(side.port)));
  return peers;
}

/** Sesta's door before two servers that echo WebSocket messages. */
export async function startEchoDoor(): Promise<{ door: BalancerPeer; stop(): void }> {
  const [one = 0, two = 0, port = 0] = await findFreePorts(3);
  const echoes = [one, two].map((echo) => startScript("backend.ts", "echo", echo));
  const door = buildPeer("sesta", port, startServiceDoor(port, [one, two]));
  await Promise.all([one, two, port].map(untilOpen));
  return {
    door,
    stop: () => [door.stop, ...echoes.map((echo) => () => echo.kill())].forEach((stop) => stop()),
  };
}

function buildPeer(name: string, port: number, child: ChildProcess): BalancerPeer {
  return { name, pid: child.pid ?? 0, side: buildSide(port, child), stop: () => void child.kill() };
}

function startServiceDoor(port: number, replicas: readonly number[]): ChildProcess {
  const script = fileURLToPath(new URL("door.ts", import.meta.url));
  return spawnQuiet(process.execPath, [...doorFlags, script, String(port), ...replicas.map(String)]);
}

/** A small young generation: it costs no speed here and spares 80 MB. */
const doorFlags = ["--max-semi-space-size=8"];

/** Least connections, retries and headers as Sesta's door has them. */
function buildNginx(port: number, replicas: readonly number[]): string {
  const servers = replicas
    .map((replica) => `server 127.0.0.1:${replica} max_fails=3 fail_timeout=5s;`)
    .join(" ");
  return `
  upstream replicas { least_conn; ${servers} keepalive 128; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${port} backlog=2048; client_max_body_size 10m; location / {
    proxy_pass http://replicas; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Port $server_port;
  } }`;
}

function startCaddy(port: number, replicas: readonly number[], variables: NodeJS.ProcessEnv): ChildProcess {
  const folder = mkdtempSync(join(tmpdir(), "sesta-bench-caddy-"));
  const to = replicas.map((replica) => `127.0.0.1:${replica}`).join(" ");
  const config = `{
  admin off
  auto_https off
  log default {
    output discard
  }
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
  reverse_proxy ${to} {
    lb_policy least_conn
    max_fails 3
    transport http {
      keepalive_idle_conns_per_host 128
    }
  }
}
`;
  writeFileSync(join(folder, "Caddyfile"), config);
  const env = {
    ...process.env,
    ...variables,
    HOME: folder,
    XDG_DATA_HOME: folder,
    XDG_CONFIG_HOME: folder,
  };
  const options = ["run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"];
  return spawn("caddy", options, { env, stdio: ["ignore", "ignore", "ignore"] });
}
