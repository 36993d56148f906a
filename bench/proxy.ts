// The front door's proxy beside configurable-http-proxy and nginx (one worker): requests/s, p99, CPU, memory, WebSockets.
// Run: node bench/proxy.ts [rounds, 5 unless said]. Linux; fetches configurable-http-proxy from npm into the system's
// temporary folder; takes nginx and wrk from PATH and says so when it does without. Below three minutes.
import { loadEcho } from "./proxy/load-echo.ts";
import { loadHttp, type HttpLoad } from "./proxy/load-http.ts";
import { startPeers, type Side } from "./proxy/peers.ts";
import { buildTable, type Round } from "./proxy/table.ts";

const rounds = Number(process.argv[2] ?? 5);
const connections = 50;
const seconds = 3;
const openSockets = 1_000;
const echoRounds = 3;

type Load = (port: number) => Promise<HttpLoad>;

const peers = await startPeers();
try {
  await run("http", 1, (port) => loadHttp(port, connections, 1)); // warms up
  const http = await run("http", rounds, (port) => loadHttp(port, connections, seconds));
  console.log(
    `\nHTTP: ${connections} connections, 1 KB answers, ${rounds} rounds of ${seconds} s, interleaved`,
  );
  console.log(buildTable(http, "req/s"));

  const echo = await run("echo", echoRounds, (port) => loadEcho(port, openSockets, seconds));
  console.log(
    `\nWebSocket echo: ${openSockets} sockets, one 64-byte message under way on each, ${echoRounds} rounds`,
  );
  console.log(buildTable(echo, "msg/s"));
} finally {
  for (const peer of peers) peer.stop();
}

async function run(side: "http" | "echo", count: number, load: Load): Promise<Map<string, Round[]>> {
  const results = new Map(peers.map((peer) => [peer.name, [] as Round[]]));
  for (let round = 0; round < count; round += 1)
    for (const peer of round % 2 === 0 ? peers : peers.toReversed())
      results.get(peer.name)?.push(await measure(peer[side], load));
  return results;
}

async function measure(side: Side, load: Load): Promise<Round> {
  const before = side.cpuMs();
  const { count, seconds: tookSeconds, p50Ms, p99Ms } = await load(side.port);
  const cpuUs = ((side.cpuMs() - before) * 1000) / count;
  return { rate: count / tookSeconds, p50Ms, p99Ms, cpuUs, rssBytes: side.rssBytes() };
}
