// A service's door beside nginx (one worker) and Caddy (one core), each before the same two replicas: rate, p50, p99, CPU.
// Run: node bench/balancer.ts [rounds, 5 unless said]. Linux; takes nginx, caddy and wrk from PATH and says so when it
// does without. About a minute.
import { startBalancerPeers } from "./balancer/peers.ts";
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
