// A service's door in the agent, as `sesta up` starts it, beside the same door in a process of its own (bench/balancer).
// `node bench/service-door.ts [ROUNDS]`, 7 unless said, interleaved, before the same two replicas. Linux; nginx, wrk.
import { spawn } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { loadHttp } from "./proxy/load-http.ts";
import { buildSide, findFreePorts, findNginx, oneKilobyte, untilOpen } from "./proxy/peers.ts";
import { buildTable, type Round } from "./proxy/table.ts";
import { createBenchProject } from "./service/project.ts";

const rounds = Number(process.argv[2] ?? 7);
const connections = 32;
const seconds = 3;

const nginx = findNginx();
if (nginx === undefined) {
  console.error("skipped: nginx is not installed");
  process.exit(0);
}
const [port = 0, alonePort = 0] = await findFreePorts(2);
const project = createBenchProject(`name: bench
workloads:
  web:
    type: service
    command: |
      mkdir -p "/tmp/sesta-bench-web-$PORT" && sed "s/PORT/$PORT/g" nginx.conf >"/tmp/sesta-bench-web-$PORT/nginx.conf" &&
      exec ${nginx} -p "/tmp/sesta-bench-web-$PORT" -c "/tmp/sesta-bench-web-$PORT/nginx.conf"
    port: ${port}
    health: /health
    replicas: 2
`);
const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((one) => `${one}_temp_path .;`);
project.write(
  "nginx.conf",
  `daemon off; master_process off; pid pid; error_log /dev/null;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; ${temporary.join(" ")}
  server { listen 127.0.0.1:PORT; ${oneKilobyte} } }
`,
);

try {
  await project.sesta("up", "-y");
  const { agent_pid: agent, replicas = [] } = await project.workload("web");
  const script = fileURLToPath(new URL("balancer/door.ts", import.meta.url));
  const ports = replicas.map((one) => String(one.port));
  const flags = ["--max-semi-space-size=8", script, String(alonePort), ...ports];
  const alone = spawn(process.execPath, flags, { stdio: ["ignore", "ignore", "inherit"] });
  try {
    await untilOpen(alonePort);
    const direct = { pid: replicas[0]?.pid ?? 0 };
    const peers = [
      { name: "direct", side: buildSide(replicas[0]?.port ?? 0, direct) },
      { name: "door alone", side: buildSide(alonePort, alone) },
      { name: "sesta", side: buildSide(port, { pid: agent ?? 0 }) },
    ];
    const idleMb = (peers.at(-1)?.side.rssBytes() ?? 0) / 1e6;
    const results = new Map(peers.map(({ name }) => [name, [] as Round[]]));
    for (let round = -1; round < rounds; round += 1)
      for (const { name, side } of round % 2 === 0 ? peers : peers.toReversed()) {
        const before = side.cpuMs();
        const { count, seconds: took, p50Ms, p99Ms } = await loadHttp(side.port, connections, seconds);
        const cpuUs = ((side.cpuMs() - before) * 1000) / count;
        const measured = { rate: count / took, p50Ms, p99Ms, cpuUs, rssBytes: side.rssBytes() };
        if (round >= 0) results.get(name)?.push(measured); // the first warms up
      }
    const load = loadavg()[0]?.toFixed(1);
    console.log(
      `${connections} connections, ${rounds} rounds of ${seconds} s, load ${load}; "sesta" is the agent`,
    );
    console.log(buildTable(results, "req/s"));
    console.log(`the agent before the first request: RSS ${idleMb.toFixed(0)} MB`);
  } finally {
    alone.kill();
  }
} finally {
  await project.end();
}
