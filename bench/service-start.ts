// What a deploy and a wake take beyond the application's own start: `node bench/service-start.ts [ROUNDS]`, 15 unless said.
// One replica of a tiny Node server, and the same command by hand in the same round; gateway and agent run.
import { copyFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import type { buildReleaseJson } from "../src/cli/release-json.ts";
import { findFreePorts } from "./proxy/peers.ts";
import { askOnce, startByHand } from "./service/by-hand.ts";
import { createBenchProject } from "./service/project.ts";
import { medianOf } from "./support/spread.ts";

const rounds = Number(process.argv[2] ?? 15);
const [port = 0, own = 0] = await findFreePorts(2);
const command = `exec '${process.execPath}' app.mjs`;
const project = createBenchProject(`name: bench
workloads:
  tiny: { type: service, command: "${command}", port: ${port}, health: /health, idle: 1h }
`);
copyFileSync(join(import.meta.dirname, "service", "app.mjs"), join(project.folder, "app.mjs"));

type Kind = "byHand" | "release" | "command" | "wake";
const names: Record<Kind, string> = {
  byHand: "by hand, to its first answer",
  release: "release, begun to live",
  command: "`sesta deploy -y`, all of it",
  wake: "request that wakes, to its answer",
};
const times: Record<Kind, number[]> = { byHand: [], release: [], command: [], wake: [] };

try {
  await project.sesta("up", "-y");
  for (let round = -2; round < rounds; round += 1) {
    const measured = await measure(round);
    if (round < 0) continue; // the first two fill the caches
    for (const kind of Object.keys(names) as Kind[]) times[kind].push(measured[kind]);
  }
} finally {
  await project.end();
}

console.log(`${rounds} rounds, load ${loadavg()[0]?.toFixed(1)}; ms, minimum/median/maximum`);
console.log("beyond the application's own start: of the minimums, of the medians, median of the rounds");
for (const kind of Object.keys(names) as Kind[]) {
  const sorted = times[kind].toSorted((a, b) => a - b);
  const spread = [sorted[0], medianOf(sorted), sorted.at(-1)].map((ms) => (ms ?? Number.NaN).toFixed(0));
  const each = times[kind].map((ms, round) => ms - (times.byHand[round] ?? Number.NaN));
  const beyond = [
    Math.min(...times[kind]) - Math.min(...times.byHand),
    medianOf(times[kind]) - medianOf(times.byHand),
    medianOf(each),
  ];
  const more = kind === "byHand" ? "" : beyond.map((ms) => `+${ms.toFixed(0)}`).join(" ");
  console.log(`${names[kind].padEnd(34)} ${spread.join("/").padEnd(16)} ${more}`);
}

/** One after the other: each has the machine to itself. */
async function measure(round: number): Promise<Record<Kind, number>> {
  const started = await startByHand(command, own, "/", { cwd: project.folder, env: project.env });
  await started.end();

  project.write("version", String(round));
  const deployed = await project.sesta("deploy", "tiny", "-y");
  const { releases } = await project.json<{ releases: ReturnType<typeof buildReleaseJson>[] }>(
    "releases",
    "tiny",
  );
  const [live] = releases;
  if (live?.state !== "live" || live.live_since === null) throw new Error("it is not live");

  await project.sesta("sleep", "tiny");
  const began = performance.now();
  const status = await askOnce(port, "/");
  const wake = performance.now() - began;
  if (status !== 200) throw new Error(`the service answered ${status}`);
  return {
    byHand: started.tookMs,
    release: Date.parse(live.live_since) - Date.parse(live.at),
    command: deployed,
    wake,
  };
}
