// CPU and memory of the agent while nothing happens in a saved workspace of 10,000 files and 1 GB, beside its peers.
// `node bench/agent-tick.ts [MINUTES] [--gitwatch PATH]`; 3 minutes, all at the same time; Linux.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { cronEveryMs, startCron } from "./loss-window/cron.ts";
import { startGitwatch } from "./loss-window/gitwatch.ts";
import { gitEnv, startRemotes } from "./loss-window/remote.ts";
import { startSesta } from "./loss-window/sesta.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { gitwatch: { type: "string" } },
});
const minutes = Number(positionals[0] ?? 3);
const ticksPerSecond = 100; // USER_HZ, which Linux shows to every program
const cache = join(tmpdir(), `sesta-bench-${process.getuid?.() ?? "user"}`);
mkdirSync(cache, { recursive: true, mode: 0o700 });
const folder = mkdtempSync(join(tmpdir(), "sesta-bench-tick-"));
const remotes = await startRemotes(join(folder, "remotes"), ["sesta", "gitwatch", "cron"]);
const ends: (() => Promise<void>)[] = [remotes.end];

try {
  const place = { cache, folder, remotes };
  const sesta = await startSesta(place);
  ends.push(sesta.end);
  const gitwatch = await startGitwatch(place, values.gitwatch);
  if (typeof gitwatch === "string") console.log(`left out: ${gitwatch}`);
  else ends.push(gitwatch.end);
  const cron = startCron(place);
  await delay(20_000); // what follows a first save is over
  const watched = [sesta, ...(typeof gitwatch === "string" ? [] : [gitwatch])].map((subject) => {
    const pids = subject.pids();
    return { name: subject.name, pids, before: secondsOf(pids) };
  });
  await delay(minutes * 60_000);
  console.log(`idle for ${minutes} min: CPU of one core, CPU seconds, memory (its own part of it)`);
  const shares = watched.map(({ name, pids, before }) => {
    const used = secondsOf(pids) - before;
    return { name, share: used / (minutes * 60), used, memory: memoryOf(pids) };
  });
  const status = statusSeconds(cron.workspace);
  shares.push({
    name: "cron: git status, every 3 min (computed)",
    share: status / (cronEveryMs / 1000),
    used: status * (minutes / 3),
    memory: "",
  });
  for (const { name, share, used, memory } of shares) {
    const ratio = (share / (shares[0]?.share ?? Number.NaN)).toFixed(2);
    console.log(
      `${name.padEnd(42)} ${(share * 100).toFixed(3)} %  ${used.toFixed(2)} s  ${memory.padEnd(18)} ${ratio} of Sesta's`,
    );
  }
} finally {
  for (const end of ends.toReversed()) await end();
  rmSync(folder, { recursive: true, force: true });
}

/** Of these processes and of the children that they have waited for. */
function secondsOf(pids: readonly number[]): number {
  return (
    pids.reduce((sum, pid) => sum + ticksIn(readFileSync(`/proc/${pid}/stat`, "utf8"), [11, 12, 13, 14]), 0) /
    ticksPerSecond
  );
}

function ticksIn(stat: string, wanted: readonly number[]): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return wanted.reduce((sum, index) => sum + Number(fields[index]), 0);
}

function memoryOf(pids: readonly number[]): string {
  const sum = (field: string) =>
    pids.reduce((total, pid) => {
      const found = new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
      return total + Number(found?.[1] ?? 0) / 1024;
    }, 0);
  return `${sum("VmRSS").toFixed(0)} MB (${sum("RssAnon").toFixed(0)} MB)`;
}

/** CPU seconds of one look of git at the workspace, the mean of ten with a warm index. */
function statusSeconds(workspace: string): number {
  const looks = 10;
  const script = `git status --porcelain; ${"git status --porcelain; ".repeat(looks)} read -r stat < /proc/$$/stat; echo "$stat"`;
  const { stdout } = spawnSync("sh", ["-c", script], { cwd: workspace, env: gitEnv(), encoding: "utf8" });
  return ticksIn(stdout.trim(), [13, 14]) / ticksPerSecond / (looks + 1);
}
