// Ten set-up steps and their output on a machine over SSH: Sesta beside Ansible, pyinfra and a script that ssh carries.
// `node bench/ssh-steps.ts [ROUNDS]`; 3 rounds, interleaved; needs OpenSSH, git, make and cc, and PyPI for the peers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findUv } from "../test/support/lab-environment.ts";
import { startRepository, writeData } from "./ssh-steps/inputs.ts";
import { ansible, pyinfra, script, sesta, type Subject } from "./ssh-steps/subjects.ts";
import { createBox } from "./support/box.ts";
import { buildTable, interleave, type Times } from "./support/spread.ts";

const rounds = Number(process.argv[2] ?? 3);
const factor = 3;
const job = (repo: string) => `  steps:
    type: job
    target: box
    packages: [git, make]
    repo: ${repo}
    data: [data/]
    env: { FACTOR: "${factor}" }
    setup: make
    run: data/check.sh && ./counter
    stdout: output.txt
    fetch: [output.txt, results/]
`;

const uv = findUv();
if (uv === undefined) {
  console.error("skipped: uv is not on PATH and `python3 -m pip` could not install it");
  process.exit(0);
}
const box = await createBox("bench-steps");
const remote = await startRepository(box.folder);
try {
  writeData(box.project);
  box.describe(job(remote.url));
  const inputs = { box, repo: remote.url, factor };
  const bare = script(inputs);
  const [warm, cold] = [sesta(inputs, "warm"), sesta(inputs, "cold")];
  const peers = [ansible(inputs, uv, "default"), ansible(inputs, uv, "pipelining"), pyinfra(inputs, uv)];
  // Pins the key, compiles what is compiled at a first start.
  for (const subject of [cold, ...peers, bare]) await first(subject);

  report("first run, all ten steps", await measure([bare, cold, ...peers], first), bare);
  report(
    "nothing to change, steps 1 to 8",
    await measure([warm, cold, ...peers], (one) => one.setUp?.()),
    warm,
  );
  report("all ten steps again", await measure([bare, warm, cold, ...peers], (one) => one.all()), bare);
} finally {
  await remote.stop();
  await box.end();
}

function measure(
  subjects: readonly Subject[],
  act: (subject: Subject) => Promise<number> | undefined,
): Promise<Times> {
  return interleave(
    rounds,
    subjects.map((subject) => [subject.name, async () => act(subject)]),
  );
}

async function first(subject: Subject): Promise<number> {
  subject.forget();
  const tookMs = await subject.all();
  const output = readFileSync(join(subject.into, "output.txt"), "utf8");
  if (output !== "200 lines\n") throw new Error(`${subject.name} brought ${JSON.stringify(output)}`);
  return tookMs;
}

function report(title: string, times: Times, reference: Subject): void {
  console.log(`\n${title}; ${rounds} rounds, interleaved; the last column is beside ${reference.name}`);
  console.log(buildTable(times, "s", reference.name));
}
