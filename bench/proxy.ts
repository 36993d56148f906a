// The front door's proxy beside configurable-http-proxy and nginx (one worker): requests/s, p99, CPU, memory, WebSockets.
// Run: node bench/proxy.ts [rounds, 5 unless said]. Linux; fetches configurable-http-proxy from npm into the system's
// temporary folder; takes nginx and wrk from PATH and says so when it does without. Below three minutes.
import { buildTable } from "./proxy/table.ts";
import { loadEcho } from "./proxy/load-echo.ts";
import { loadHttp } from "./proxy/load-http.ts";
import { startPeers, type Peer } from "./proxy/peers.ts";

const rounds = Number(process.argv[2] ?? 5);
const connections = 50;
const seconds = 3;
const openSockets = 1_000;

type Round = { rate: number; p99Ms: number; cpuUs: number };

const peers = await startPeers();
try {
  const http = new Map(peers.map((peer) => [peer.name, [] as Round[]]));
  for (let round = 0; round <= rounds; round += 1)
    for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
      const result = await measure(peer, () =>
        loadHttp(peer.httpPort, connections, round === 0 ? 1 : seconds),
      );
      if (round > 0) http.get(peer.name)?.push(result); // the first warms up
    }
  console.log(
    `\nHTTP: ${connections} connections, 1 KB answers, ${rounds} rounds of ${seconds} s, interleaved`,
  );
  console.log(buildTable(peers, http, "req/s"));

  const echo = new Map(peers.map((peer) => [peer.name, [] as Round[]]));
  for (let round = 0; round < 2; round += 1)
    for (const peer of round % 2 === 0 ? peers : peers.toReversed())
      echo.get(peer.name)?.push(await measure(peer, () => loadEcho(peer.echoPort, openSockets, seconds)));
  console.log(`\nWebSocket echo: ${openSockets} sockets, each with one 64-byte message under way, 2 rounds`);
  console.log(buildTable(peers, echo, "msg/s"));
} finally {
  for (const peer of peers) peer.stop();
}

async function measure(
  peer: Peer,
  load: () => Promise<{ count: number; seconds: number; p99Ms: number }>,
): Promise<Round> {
  const before = peer.cpuMs();
  const { count, seconds: tookSeconds, p99Ms } = await load();
  return { rate: count / tookSeconds, p99Ms, cpuUs: ((peer.cpuMs() - before) * 1000) / count };
}
