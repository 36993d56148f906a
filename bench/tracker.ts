// A tracker beside MLflow's own server on the same database: start and memory; metrics and an upload through the front door
// beside straight; a backup and its restore beside pg_dump and pg_restore. `node bench/tracker.ts [ROUNDS [PART…]]`: 3
// rounds of start, log, upload, backup. Linux; needs PyPI. Below ten minutes.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { createTrackerProject, trackerPassword } from "../test/support/tracker-project.ts";
import { freePort } from "../test/support/scratch-project.ts";
import { killTree, readMemory } from "./model-server/processes.ts";
import { medianOf } from "./support/spread.ts";
import buildPublishedForm from "../test/support/bundle-published-form.ts";

const rounds = Number(process.argv[2] ?? 3);
const wanted = process.argv.slice(3);
const settleMs = 6_000;
const uploadBytes = 1024 ** 3;
const [runs, points] = [1_000, 1_000_000];

type Way = { name: string; url: string; headers: Record<string, string> };

await buildPublishedForm();
const project = await createTrackerProject("idle: never\nbackup: { every: never }");
const keep = project.path(".sesta/agent/keep/tracking");
const [environment = ""] = readdirSync(project.path(".sesta/environments"));
const bin = project.path(".sesta/environments", environment, "bin");
try {
  await project.must(["wake", "tracking"]); // makes the database
  for (const [name, measure] of Object.entries({ start, log, upload, backup }))
    if (wanted.length === 0 || wanted.includes(name)) await measure();
} finally {
  await project.end();
}

/** From asleep to the first answer of its API. */
async function start(): Promise<void> {
  const own: number[] = [];
  const peer = new Map<string, number[]>();
  const memory = new Map<string, number[]>();
  const note = (map: Map<string, number[]>, name: string, value: number) =>
    map.set(name, [...(map.get(name) ?? []), value]);
  for (let round = 0; round < rounds; round += 1) {
    await project.must(["sleep", "tracking"]);
    const began = performance.now();
    await search({ url: project.url, headers: { authorization: `Bearer ${trackerPassword}` } });
    own.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    note(memory, "Sesta", readMemory((await project.workload("tracking")).pid ?? 0).pssMiB);
    for (const workers of [undefined, 1]) {
      const name = workers === undefined ? "mlflow server" : "mlflow server, one worker, no jobs";
      const { startMs, pssMiB } = await startPeer(workers);
      note(peer, name, startMs);
      note(memory, name, pssMiB);
    }
  }
  console.log(`\nstart to the first answer, ${rounds} rounds, load ${load()}`);
  const best = medianOf(peer.get("mlflow server") ?? []);
  for (const [name, values] of [["Sesta", own] as const, ...peer]) {
    const of = memory.get(name) ?? [];
    const ratios = `${(medianOf(values) / best).toFixed(2)}, ${(medianOf(of) / medianOf(memory.get("mlflow server") ?? [])).toFixed(2)}`;
    console.log(`${name}: ${spread(values, 0)} ms, ${spread(of, 0)} MiB; of the default ${ratios}`);
  }
}

/** On the tracker's own PostgreSQL, which runs meanwhile in both cases. */
async function startPeer(workers: number | undefined): Promise<{ startMs: number; pssMiB: number }> {
  const port = await freePort();
  const store = `postgresql+psycopg2://mlflow@/mlflow?host=${readFileSync(`${keep}/socket`, "utf8").trim()}`;
  const options = ["--backend-store-uri", store, "--artifacts-destination", `${keep}/artifacts`];
  const argv = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", String(port), ...options];
  const { PYTHONDONTWRITEBYTECODE: _, ...env } = process.env;
  const began = performance.now();
  const server = spawn(
    `${bin}/python`,
    [...argv, ...(workers === undefined ? [] : ["--workers", String(workers)])],
    {
      stdio: "ignore",
      env: { ...env, ...(workers !== undefined && { MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false" }) },
    },
  );
  try {
    await search({ url: `http://127.0.0.1:${port}`, headers: {} });
    const startMs = performance.now() - began;
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    return { startMs, pssMiB: readMemory(server.pid ?? 0).pssMiB };
  } finally {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    killTree(server.pid ?? 0);
    await ended;
  }
}

async function search({ url, headers }: Omit<Way, "name">): Promise<void> {
  for (const end = performance.now() + 120_000; performance.now() < end;) {
    const answer = await fetch(`${url}/api/2.0/mlflow/experiments/search?max_results=1`, { headers }).catch(
      () => undefined,
    );
    await answer?.text();
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${url} does not answer`);
}

async function findWays(): Promise<Way[]> {
  const { pid } = await project.workload("tracking");
  const folder = project.path(".sesta/agent/run");
  const [id = ""] = readdirSync(folder);
  const { port } = JSON.parse(readFileSync(`${folder}/${id}/bound-${pid}.json`, "utf8")) as { port: number };
  const token = readFileSync(`${folder}/${id}/token`, "utf8");
  return [
    { name: "straight", url: `http://127.0.0.1:${port}`, headers: { authorization: `Bearer ${token}` } },
    { name: "door", url: project.url, headers: { authorization: `Bearer ${trackerPassword}` } },
  ];
}

/** Four clients that log batches of a hundred metrics, one after another each. */
async function log(): Promise<void> {
  const ways = await findWays();
  const rates = new Map<string, number[]>();
  for (let round = 0; round < 2 * rounds; round += 1)
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      const batches = await countBatches(way, 3_000);
      rates.set(way.name, [...(rates.get(way.name) ?? []), (batches * 100) / 3]);
    }
  compare("metrics a second", rates);
}

async function countBatches(way: Way, forMs: number): Promise<number> {
  let count = 0;
  const end = performance.now() + forMs;
  await Promise.all(
    [1, 2, 3, 4].map(async (client) => {
      const made = await post(way, "runs/create", { experiment_id: "0", start_time: Date.now() });
      const { run } = (await made.json()) as { run: { info: { run_id: string } } };
      for (let step = 0; performance.now() < end; step += 100) {
        const metrics = Array.from({ length: 100 }, (_, at) => ({
          key: `m${client}`,
          value: at,
          timestamp: Date.now(),
          step: step + at,
        }));
        await (await post(way, "runs/log-batch", { run_id: run.info.run_id, metrics })).text();
        count += 1;
      }
    }),
  );
  return count;
}

function post({ url, headers }: Way, path: string, body: object): Promise<Response> {
  return fetch(`${url}/api/2.0/mlflow/${path}`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function upload(): Promise<void> {
  const ways = await findWays();
  const file = project.path("large");
  writeFileSync(file, "");
  truncateSync(file, uploadBytes);
  const rates = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1)
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      const target = `${way.url}/api/2.0/mlflow-artifacts/artifacts/0/bench/${way.name}.bin`;
      const headers = Object.entries(way.headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
      const began = performance.now();
      const { status } = spawnSync("curl", ["-sf", "-o", "/dev/null", "-T", file, ...headers, target], {
        stdio: "inherit",
      });
      if (status !== 0) throw new Error(`the upload by ${way.name} failed`);
      const seconds = (performance.now() - began) / 1_000;
      rates.set(way.name, [...(rates.get(way.name) ?? []), uploadBytes / 1e6 / seconds]);
    }
  rmSync(file);
  rmSync(`${keep}/artifacts/0/bench`, { recursive: true, force: true });
  compare("upload of 1 GB, MB a second", rates);
}

async function backup(): Promise<void> {
  const sockets = readFileSync(`${keep}/socket`, "utf8").trim();
  fill(sockets);
  const times = new Map<string, number[]>();
  const timed = async (name: string, work: () => unknown) => {
    const began = performance.now();
    await work();
    times.set(name, [...(times.get(name) ?? []), performance.now() - began]);
  };
  const db = ["--dbname", `postgresql://mlflow@/mlflow?host=${sockets}`];
  const scratch = ["--dbname", `postgresql://mlflow@/scratch?host=${sockets}`];
  for (let round = 0; round < rounds; round += 1) {
    const file = project.path("bare.dump");
    await timed("pg_dump", () => execFileSync("pg_dump", [...db, "-Fc", "-Z1", "-f", file]));
    await timed("pg_restore", () => {
      execFileSync("psql", [...db, "-qc", "CREATE DATABASE scratch"]);
      execFileSync("pg_restore", [...scratch, file]);
      execFileSync("psql", [...db, "-qc", "DROP DATABASE scratch"]);
    });
    await timed("sesta backup", () => project.must(["backup", "tracking"]));
  }
  await project.must(["sleep", "tracking"]);
  await timed("sesta restore", () => project.must(["restore", "tracking", "-y"]));
  console.log(`\n${runs} runs with ${points} metric points, ms, load ${load()}`);
  for (const [name, values] of times) console.log(`${name}: ${spread(values, 0)}`);
}

function fill(sockets: string): void {
  const sql = `
    INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, lifecycle_stage, artifact_uri, experiment_id)
      SELECT md5('run' || n), 'run ' || n, 'LOCAL', 'bench', 'FINISHED', n, 'active', 'mlflow-artifacts:/0/x', 0
      FROM generate_series(1, ${runs}) n;
    INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)
      SELECT 'loss', random(), s, md5('run' || n), s, false
      FROM generate_series(1, ${runs}) n, generate_series(1, ${points / runs}) s;`;
  execFileSync("psql", ["--dbname", `postgresql://mlflow@/mlflow?host=${sockets}`, "-qc", sql]);
}

function compare(what: string, rates: ReadonlyMap<string, readonly number[]>): void {
  const [straight = [], door = []] = [rates.get("straight"), rates.get("door")];
  console.log(`\n${what}, load ${load()}`);
  for (const [name, values] of rates) console.log(`${name}: ${spread(values, 0)}`);
  const ratios = door.map((rate, round) => rate / (straight[round] ?? Number.NaN));
  console.log(`through the door beside straight, each round: ${spread(ratios, 2)}`);
}

function spread(values: readonly number[], digits: number): string {
  const figures = [Math.min(...values), medianOf(values), Math.max(...values)];
  return figures.map((one) => one.toFixed(digits)).join("/");
}

function load(): string {
  return (loadavg()[0] ?? Number.NaN).toFixed(1);
}
