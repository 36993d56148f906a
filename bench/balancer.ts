// A service's door beside nginx (one worker) and Caddy (as it comes, and on one core), each before the same two replicas:
// rate, p50, p99, CPU; then 2,000 WebSockets through the door. Run: node bench/balancer.ts [rounds, 5 unless said].
// Linux; takes nginx, caddy and wrk from PATH and says so when it does without. Below two minutes.
import { startBalancerPeers, startEchoDoor } from "./balancer/peers.ts";
import { loadSockets } from "./balancer/sockets.ts";
import { loadHttp } from "./proxy/load-http.ts";
import { buildTable, type Round } from "./proxy/table.ts";

const rounds = Number(process.argv[2] ?? 5);
const connections = 32;
const seconds = 3;

const peers = await startBalancerPeers();
try {
  await run(1, 1); // warms up
  const results = await run(rounds, seconds);
  console.log(
    `\n${connections} connections, two replicas, 1 KB answers, ${rounds} rounds of ${seconds} s, interleaved`,
  );
  console.log(buildTable(results, "req/s"));
} finally {
  for (const peer of peers) peer.stop();
}

const { door, stop } = await startEchoDoor();
try {
  const load = { sockets: 2_000, perSecond: 200, seconds: 10 };
  const { p50Ms, p99Ms, messages, rssBytes, socketsLeft } = await loadSockets(
    door.side.port,
    door.pid,
    door.side.rssBytes,
    load,
  );
  console.log(`\n${load.sockets} WebSockets, ${load.perSecond} messages a second over all of them`);
  console.log(`p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms of ${messages} echoes`);
  console.log(
    `RSS ${(rssBytes / 1e6).toFixed(0)} MB; ${socketsLeft} descriptors more than before, once closed`,
  );
} finally {
  stop();
}

async function run(count: number, forSeconds: number): Promise<Map<string, Round[]>> {
  const results = new Map(peers.map((peer) => [peer.name, [] as Round[]]));
  for (let round = 0; round < count; round += 1)
    for (const { name, side } of round % 2 === 0 ? peers : peers.toReversed()) {
      const before = side.cpuMs();
      const load = await loadHttp(side.port, connections, forSeconds);
      const { count: requests, seconds: tookSeconds, p50Ms, p99Ms } = load;
      const cpuUs = ((side.cpuMs() - before) * 1000) / requests;
      results
        .get(name)
        ?.push({ rate: requests / tookSeconds, p50Ms, p99Ms, cpuUs, rssBytes: side.rssBytes() });
    }
  return results;
}
