// A wake function's cold start to its answer, which starts a machine at moto's EC2, beside the original's handler in Python
// with boto3: `node bench/wake-function.ts [ROUNDS]`, 15 unless said. Needs PyPI. About two minutes.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { bundleWake } from "../scripts/bundle-wake.ts";
import { hashPassword, verifyPassword } from "../src/front/password.ts";
import { buildWakeVariables } from "../src/model/wake-function.ts";
import { findEc2Server } from "../test/support/ec2.ts";
import { buildEvent } from "../test/support/lambda.ts";
import { findMoto } from "../test/support/moto.ts";
import { buildTable, interleave, medianOf } from "./support/spread.ts";

const rounds = Number(process.argv[2] ?? 15);
const [found, moto] = [findEc2Server(), findMoto()];
if (typeof found === "string" || typeof moto === "string") throw new Error(`moto cannot be had: ${moto}`);

const password = "the-team's-pass";
const passwordHash = await hashPassword(password);
const folder = mkdtempSync(join(tmpdir(), "sesta-bench-wake-function-"));
const file = join(folder, "index.mjs");
const { zip } = await bundleWake();
const text = unzipSync(zip)["index.mjs"] ?? new Uint8Array();
writeFileSync(file, text);
const ec2 = await found();
const { instance } = await ec2.act("look");
const env = {
  PATH: process.env["PATH"],
  AWS_REGION: "us-east-1",
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: ec2.id,
  AWS_SECRET_ACCESS_KEY: ec2.secret,
  AWS_SESSION_TOKEN: ec2.token,
  AWS_ENDPOINT_URL_EC2: ec2.direct,
  AWS_EC2_METADATA_DISABLED: "true",
  SESTA_INSTANCE: instance,
  TEAM_PASS: password,
  EVENT: JSON.stringify(buildEvent("/start", { query: new URLSearchParams({ pass: password }).toString() })),
  ...buildWakeVariables({
    workload: "notebook",
    title: "Jupyter Lab",
    home: "/lab",
    idleMs: 2_400_000,
    port: 8443,
    domain: null,
    passwordHash,
    readyKey: "none",
    allow: ["203.0.113.7/32"],
  }),
};
// Python leaves compiled files beside its sources.
for (const name of ["original.py", "invoke.py", "invoke.mjs"])
  copyFileSync(join(import.meta.dirname, "wake-function", name), join(folder, name));

try {
  const times = await interleave(rounds, [
    ["node -e 0", async () => run([process.execPath, "-e", "0"])],
    ["python -c 0", async () => run([moto.python, "-c", "0"])],
    ["boto3", () => wake([moto.python, join(folder, "invoke.py")])],
    ["Sesta", () => wake([process.execPath, join(folder, "invoke.mjs"), file])],
    ["the hash alone", measureHash],
  ]);
  console.log(
    `${zip.length} bytes zipped, ${text.length} bytes of JavaScript; load ${loadavg()[0]?.toFixed(1)}`,
  );
  console.log(buildTable(times, "ms", "boto3"));
  const beyond = (name: string, runtime: string) =>
    (medianOf(times.get(name) ?? []) - medianOf(times.get(runtime) ?? [])).toFixed(0);
  console.log(
    `beyond its runtime: boto3 ${beyond("boto3", "python -c 0")} ms, Sesta ${beyond("Sesta", "node -e 0")} ms`,
  );
} finally {
  await ec2.end();
  rmSync(folder, { recursive: true, force: true });
}

/** From the start of the process to its end, with the machine started. */
async function wake(argv: readonly string[]): Promise<number> {
  await ec2.act("stop");
  const took = run(argv);
  const { state } = await ec2.act("look");
  if (state !== "running") throw new Error(`the machine is ${state}`);
  return took;
}

function run([program = "", ...operands]: readonly string[]): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(program, operands, { env, encoding: "utf8" });
  const took = performance.now() - began;
  if (status !== 0) throw new Error(stderr);
  return took;
}

async function measureHash(): Promise<number> {
  const began = performance.now();
  await verifyPassword(passwordHash, password);
  return performance.now() - began;
}
