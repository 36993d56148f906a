// How long a lab takes from its start to its first answer, beside `jupyter lab` by hand and beside JupyterHub.
// `node bench/wake.ts [ROUNDS]`; 9 rounds, interleaved; needs Python and PyPI, and npm for JupyterHub's proxy.
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { buildLabLaunch } from "../src/workloads/lab/build-launch.ts";
import { findLabEnvironment } from "../test/support/lab-environment.ts";
import { findFreePort, startLab } from "../test/support/running-lab.ts";
import { createScratchProject, type ScratchProject } from "../test/support/scratch-project.ts";
import { startHub } from "./support/jupyterhub.ts";
import { makeCache, makePythonPeer } from "./support/python-peer.ts";

const rounds = Number(process.argv[2] ?? 9);
const sesta = "Sesta, wake request to answering";
const proxyPackage = "configurable-http-proxy@5.3.0";
const projectFile = `name: bench-wake
secrets: { team_pass: { env: TEAM_PASS } }
workloads: { bench: { type: lab, password: "\${secret.team_pass}", idle: never } }
`;
const labSection = {
  type: "lab",
  name: "bench",
  target: "local",
  idleMs: null,
  maxAwakeMs: null,
  packages: [],
  python: "3.12",
  workspace: "workspace",
} as const;

const environment = findLabEnvironment();
if (typeof environment === "string") {
  console.error(`skipped: ${environment}`);
  process.exit(0);
}
const { uv, path: labEnvironment } = environment;

const project = await createScratchProject(projectFile);
await mustRun(project.sesta(["up", "-y"]));
const peer = makePythonPeer(uv, ["jupyterlab==4.6.6"]);
const hub = await startHub(makePythonPeer(uv, ["jupyterhub==6.1.1", "jupyterlab==4.6.6"]), makeProxy());
const subjects: [name: string, wake: () => Promise<number>][] = [
  ["jupyter lab, by hand", () => wakePeer(process.env["PATH"] ?? "")],
  ["jupyter lab, by hand, no node on PATH", () => wakePeer(pathWithoutNode())],
  ["JupyterHub, through its proxy", () => hub.wake()],
  ["Sesta's launch alone", wakeLaunch],
  [sesta, () => wakeProject(project)],
];

const times = new Map<string, number[]>(subjects.map(([name]) => [name, []]));
try {
  for (const [, wake] of subjects) await wake(); // fills the page cache
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, wake] of subjects) times.get(name)?.push(await wake());
  }
} finally {
  await hub.stop();
  await project.end();
}
report();

async function wakeLaunch(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "sesta-bench-lab-"));
  const began = performance.now();
  const lab = await startLab(buildLabLaunch(labSection, []), { environment: labEnvironment, folder });
  const answered = await lab.answering();
  const took = performance.now() - began;
  lab.child.kill("SIGTERM");
  await lab.ended;
  rmSync(folder, { recursive: true, force: true });
  if (!answered) throw new Error(`Sesta's launch did not answer: ${lab.log()}`);
  return took;
}

/** From the request that wakes until the endpoint says that the lab answers, asked every 10 ms; gateway and agent run. */
async function wakeProject(scratch: ScratchProject): Promise<number> {
  const url = `${(await scratch.status()).gateway.url}/v1/start`;
  const ask = async () =>
    (await fetch(url, { headers: { authorization: `Bearer ${scratch.password}` } })).json();
  const began = performance.now();
  while (((await ask()) as { state: string }).state !== "awake") await delay(10);
  const took = performance.now() - began;
  await mustRun(scratch.sesta(["sleep", "bench"]));
  return took;
}

async function mustRun(running: Promise<{ code: number; stderr: string }>): Promise<void> {
  const { code, stderr } = await running;
  if (code !== 0) throw new Error(stderr);
}

async function wakePeer(path: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "sesta-bench-peer-"));
  const token = randomBytes(24).toString("hex");
  const { PYTHONDONTWRITEBYTECODE: _, ...inherited } = process.env;
  const env = { ...inherited, PATH: path, HOME: folder, JUPYTER_TOKEN: token };
  const port = await findFreePort();
  const began = performance.now();
  const child = spawn(join(peer, "bin/jupyter"), ["lab", "--no-browser", "--allow-root", `--port=${port}`], {
    cwd: folder,
    env,
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  const url = `http://127.0.0.1:${port}/api/status`;
  const headers = { authorization: `token ${token}` };
  while (
    (await fetch(url, { headers }).then(
      ({ status }) => status,
      () => 0,
    )) !== 200
  ) {
    if (child.exitCode !== null) throw new Error("jupyter lab ended while it started");
    await delay(10);
  }
  const took = performance.now() - began;
  child.kill("SIGTERM");
  await ended;
  rmSync(folder, { recursive: true, force: true });
  return took;
}

function makeProxy(): string {
  const folder = join(makeCache(), "proxy");
  mkdirSync(folder, { recursive: true });
  const program = join(folder, "node_modules/.bin/configurable-http-proxy");
  if (!existsSync(program)) {
    const operands = ["install", "--silent", "--prefix", folder, proxyPackage];
    const ran = spawnSync("npm", operands, { encoding: "utf8" });
    if (ran.status !== 0) throw ran.error ?? new Error(`npm ${operands[0]}: ${ran.stderr}`);
  }
  return program;
}

function pathWithoutNode(): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders
    .filter((folder) => !["node", "nodejs"].some((name) => existsSync(join(folder, name))))
    .join(delimiter);
}

function report(): void {
  const median = (sorted: readonly number[]) => sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const own = median((times.get(sesta) ?? []).toSorted((a, b) => a - b));
  console.log(
    `to the first answer, ${rounds} rounds, seconds: minimum/median/maximum; Sesta's share of the median`,
  );
  for (const [name, unsorted] of times) {
    const sorted = unsorted.toSorted((a, b) => a - b);
    const figures = [sorted[0], median(sorted), sorted.at(-1)]
      .map((ms) => ((ms ?? Number.NaN) / 1000).toFixed(2))
      .join("/");
    console.log(`${name.padEnd(40)} ${figures}  ${(own / median(sorted)).toFixed(2)}`);
  }
}
