// The model server beside what serves models in Python, all with two workers: requests/s, p50, p99, memory, start.
// `node bench/model-server.ts [ROUNDS [PART OF A NAME…]]`; 3 rounds, interleaved, each with a fresh start. Linux; needs uv or Python, PyPI, wrk.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findUv } from "../test/support/lab-environment.ts";
import { loadPost } from "./model-server/load-post.ts";
import { buildSubjects, type Subject } from "./model-server/peers.ts";
import { killTree, readMemory } from "./model-server/processes.ts";
import { medianOf } from "./support/spread.ts";

type Round = { rate: number; p50: number; p99: number; pss: number; rss: number; startMs: number };

const rounds = Number(process.argv[2] ?? 3);
const wanted = process.argv.slice(3);
const connections = 32;
const seconds = 4;
const reference = "Flask on gunicorn";

const uv = findUv();
if (uv === undefined || spawnSync("wrk", ["-v"]).error !== undefined) {
  console.error(`skipped: ${uv === undefined ? "uv" : "wrk"} is not installed`);
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), "sesta-bench-model-"));
const results = new Map<string, Round[]>();
let current = 0; // the server that runs now
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    if (current !== 0) killTree(current);
    rmSync(folder, { recursive: true, force: true });
    process.exit(130);
  });
try {
  const subjects = await buildSubjects(
    uv,
    folder,
    (name) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
  );
  for (let round = 0; round < rounds; round += 1)
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const measured = await measure(subject).catch((error: unknown) =>
        console.log(`${subject.name}: ${String(error)}`),
      );
      if (measured) results.set(subject.name, [...(results.get(subject.name) ?? []), measured]);
    }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
report();

async function measure(subject: Subject): Promise<Round> {
  const port = await findFreePort();
  const { argv, env, cwd } = subject.start(port);
  const [program = "", ...operands] = argv;
  const began = performance.now();
  const child = spawn(program, operands, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  current = child.pid ?? 0;
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log = (log + text).slice(-1000)));
  try {
    await untilAnswered(subject, port, child, () => log);
    const startMs = performance.now() - began;
    await loadPost(port, subject, connections, 2); // warms up
    const { rate, p50, p99 } = await loadPost(port, subject, connections, seconds);
    const { pssMiB, rssMiB } = readMemory(child.pid ?? 0);
    return { rate, p50, p99, pss: pssMiB, rss: rssMiB, startMs };
  } finally {
    const ended = once(child, "exit");
    killTree(child.pid ?? 0);
    if (child.exitCode === null && child.signalCode === null) await ended;
    current = 0;
  }
}

async function untilAnswered(
  { path, body }: Subject,
  port: number,
  child: ChildProcess,
  log: () => string,
): Promise<void> {
  const headers = { "content-type": "application/json" };
  for (const deadline = performance.now() + 180_000; performance.now() < deadline;) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${log()}`);
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body, headers }).catch(
      () => undefined,
    );
    const text = await answer?.text();
    if (answer?.status === 200) return;
    const isLoading = answer === undefined || answer.status >= 500 || /not ready/.test(text ?? "");
    if (!isLoading && answer.status !== 404) throw new Error(`${answer.status}: ${text}`);
    await delay(5);
  }
  throw new Error(`it does not answer: ${log()}`);
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function report(): void {
  const of = (name: string, key: keyof Round) => (results.get(name) ?? []).map((round) => round[key]);
  const spread = (name: string, key: keyof Round, digits: number) => {
    const values = of(name, key);
    return [Math.min(...values), medianOf(values), Math.max(...values)]
      .map((one) => one.toFixed(digits))
      .join("/");
  };
  const ratio = (name: string, key: keyof Round) =>
    (medianOf(of(name, key)) / medianOf(of(reference, key))).toFixed(2);
  console.log(
    `\n${connections} connections, ${rounds} rounds of ${seconds} s, minimum/median/maximum; ratios beside ${reference}\n`,
  );
  console.log("|  | requests/s | ratio | p50 ms | p99 ms | memory MiB, PSS | ratio | RSS | start ms |");
  console.log("|---|---|---|---|---|---|---|---|---|");
  for (const name of results.keys())
    console.log(
      `| ${name} | ${spread(name, "rate", 0)} | ${ratio(name, "rate")} | ${spread(name, "p50", 1)} | ${spread(name, "p99", 1)} | ` +
        `${spread(name, "pss", 0)} | ${ratio(name, "pss")} | ${medianOf(of(name, "rss")).toFixed(0)} | ${spread(name, "startMs", 0)} |`,
    );
}
