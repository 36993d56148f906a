// The application of examples/iris as a service of two replicas beside the same application on gunicorn with two workers.
// `node bench/service.ts [ROUNDS]`, 9 unless said, interleaved: once with its forest, once with a model that takes no time.
// Needs PyPI and wrk. Below five minutes.
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { loadPost } from "./model-server/load-post.ts";
import { findFreePorts } from "./proxy/peers.ts";
import { startByHand } from "./service/by-hand.ts";
import { readCpuMs } from "./service/cpu.ts";
import { pace } from "./service/paced.ts";
import { createBenchProject, type BenchProject } from "./service/project.ts";
import { medianOf } from "./support/spread.ts";

type Load = { rate: number; p50: number; p99: number; appMs: number; agentMs: number };
/** `app`: processes of the application, with all that they start. */
type Subject = { name: string; port: number; app: readonly number[]; agent: readonly number[] };

const rounds = Number(process.argv[2] ?? 9);
const connections = 32;
const seconds = 2;
const paced = { perSecond: 50, seconds: 40 };
const asked = { path: "/predict", body: '{"features": [5.1, 3.5, 1.4, 0.2]}' };
const example = join(import.meta.dirname, "..", "examples", "iris");
const models = {
  "random forest": ["src/model.py"],
  "logistic regression": [join(import.meta.dirname, "model-server", "train.py"), "."],
};

if (spawnSync("wrk", ["-v"]).error) {
  console.error("skipped: wrk is not installed");
  process.exit(0);
}
for (const [name, train] of Object.entries(models)) await measure(name, train);

async function measure(model: string, train: readonly string[]): Promise<void> {
  const [port = 0, own = 0] = await findFreePorts(2);
  // The example's own section, on a port that is free; without its .gitignore, as the model belongs to the files here.
  const yaml = readFileSync(join(example, "sesta.yaml"), "utf8").replace(/port: 8080$/m, `port: ${port}`);
  const project = createBenchProject(`${yaml.split("\n  # The same model")[0]}\n`);
  try {
    for (const part of ["src", "requirements.txt"])
      cpSync(join(example, part), join(project.folder, part), { recursive: true });
    project.write("iris_model.pkl", ""); // the environment is made before there is a model
    await project.sesta("up", "iris", "-y").catch(() => undefined);
    const bin = findEnvironment(project);
    const trained = spawnSync(join(bin, "python"), train, { cwd: project.folder, encoding: "utf8" });
    if (trained.status !== 0) throw new Error(trained.stderr);
    await project.sesta("deploy", "iris", "-y");
    const command = `exec gunicorn --bind 127.0.0.1:$PORT --workers 2 src.app:app`;
    const env = { ...project.env, PATH: `${bin}:${process.env["PATH"] ?? ""}` };
    const straight = await startByHand(command, own, "/health", { cwd: project.folder, env });
    try {
      const { agent_pid: agent, replicas = [] } = await project.workload("iris");
      await report(model, [
        { name: "gunicorn", port: own, app: [straight.pid], agent: [] },
        { name: "Sesta", port, app: replicas.flatMap(({ pid }) => pid ?? []), agent: [agent ?? 0] },
      ]);
    } finally {
      await straight.end();
    }
  } finally {
    await project.end();
  }
}

function findEnvironment({ folder }: BenchProject): string {
  const environments = join(folder, ".sesta", "environments");
  const [name = ""] = readdirSync(environments).filter((entry) => !entry.includes("."));
  return join(environments, name, "bin");
}

async function report(model: string, subjects: readonly Subject[]): Promise<void> {
  for (const { port } of subjects) await loadPost(port, asked, connections, 2); // warms up
  const loads = subjects.map((): Load[] => []);
  for (let round = 0; round < rounds; round += 1)
    for (const index of round % 2 === 0 ? [0, 1] : [1, 0])
      for (const subject of subjects.slice(index, index + 1)) loads[index]?.push(await press(subject));
  console.log(`\n${model}: ${connections} connections, ${rounds} rounds of ${seconds} s, load ${load()}`);
  subjects.forEach(({ name }, index) => {
    const of = (key: keyof Load, digits: number) =>
      spread(
        (loads[index] ?? []).map((one) => one[key]),
        digits,
      );
    console.log(`${name}: ${of("rate", 0)} req/s, p50 ${of("p50", 1)}, p99 ${of("p99", 1)} ms`);
    console.log(`  CPU ms each: application ${of("appMs", 2)}, agent ${of("agentMs", 3)}`);
  });
  const ratios = (loads[1] ?? []).map((one, round) => one.rate / (loads[0]?.[round]?.rate ?? Number.NaN));
  const best = subjects.map((_, index) => Math.max(...(loads[index] ?? []).map(({ rate }) => rate)));
  const ofBest = (best[1] ?? Number.NaN) / (best[0] ?? Number.NaN);
  console.log(
    `Sesta's rate beside gunicorn's, each round: ${spread(ratios, 2)}; best rounds ${ofBest.toFixed(2)}`,
  );

  const [straight = [], sesta = []] = await pace(
    subjects.map(({ port }) => port),
    asked,
    paced,
  );
  console.log(`${paced.perSecond} requests a second, in turn, ${paced.seconds} s, load ${load()}`);
  for (const share of [0.1, 0.5, 0.99]) {
    const [one, other] = [at(straight, share), at(sesta, share)];
    const more = (other - one).toFixed(2);
    console.log(`p${share * 100}  ${one.toFixed(2)} ms, through Sesta ${other.toFixed(2)} ms: +${more}`);
  }
}

async function press({ port, app, agent }: Subject): Promise<Load> {
  const [appBefore, agentBefore] = [await readCpuMs(app), await readCpuMs(agent)];
  const measured = await loadPost(port, asked, connections, seconds);
  const count = measured.rate * seconds;
  const [appMs, agentMs] = [await readCpuMs(app), await readCpuMs(agent)];
  const [ofApp, withAgent] = [appMs - appBefore, agentMs - agentBefore];
  const ofAgent = agent.length > 0 ? withAgent - ofApp : 0; // the replicas are children of the agent
  return { ...measured, appMs: ofApp / count, agentMs: ofAgent / count };
}

function spread(values: readonly number[], digits: number): string {
  const figures = [Math.min(...values), medianOf(values), Math.max(...values)];
  return figures.map((one) => one.toFixed(digits)).join("/");
}

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

function load(): string {
  return (loadavg()[0] ?? Number.NaN).toFixed(1);
}
