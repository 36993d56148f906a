// Memory and CPU of an idle gateway and agent, as `sesta up` starts them: `node bench/idle-processes.ts [SECONDS]`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ProjectStatus } from "../src/model/status.ts";

const seconds = Number(process.argv[2] ?? 20);
const folder = mkdtempSync(join(tmpdir(), "sesta-idle-"));
const yaml = "name: idle-bench\nworkloads:\n  notebook: { type: lab }\n";
const ticksPerSecond = 100; // USER_HZ, which Linux shows to every program

type Used = { rssMb: number; ownMb: number; ticks: number };

try {
  writeFileSync(join(folder, "sesta.yaml"), yaml);
  for (const round of ["first", "second"]) {
    sesta("up", "-y");
    await measure(round);
    sesta("down", "-y");
  }
} finally {
  sesta("down", "-y");
  rmSync(folder, { recursive: true, force: true });
}

async function measure(round: string): Promise<void> {
  const { gateway, workloads } = JSON.parse(sesta("status", "--json")) as ProjectStatus;
  const pids = { gateway: gateway.pid ?? 0, agent: workloads[0]?.agent_pid ?? 0 };
  await delay(3_000);
  const before = Object.values(pids).map(read);
  await delay(seconds * 1_000);
  process.stdout.write(`${round} start, idle for ${seconds} s:\n`);
  Object.entries(pids).forEach(([what, pid], index) => {
    const { rssMb, ownMb, ticks } = read(pid);
    const cpu = ((ticks - (before[index]?.ticks ?? 0)) / ticksPerSecond / seconds) * 100;
    process.stdout.write(
      `  ${what.padEnd(8)} RSS ${rssMb.toFixed(0)} MB (its own ${ownMb.toFixed(0)} MB), CPU ${cpu.toFixed(2)} %\n`,
    );
  });
}

function read(pid: number): Used {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) / 1024;
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { rssMb: field("VmRSS"), ownMb: field("RssAnon"), ticks: Number(fields[11]) + Number(fields[12]) };
}

function sesta(...argv: string[]): string {
  const main = join(import.meta.dirname, "..", "src", "main.ts");
  const ran = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...argv], {
    cwd: folder,
    encoding: "utf8",
  });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return ran.stdout;
}
