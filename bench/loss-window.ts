// From the write of a file to its commit and to its arrival at the remote, in 10,000 files and 1 GB, one change at a time.
// `node bench/loss-window.ts [CHANGES] [--gitwatch PATH]`; 30 changes for each subject and remote, interleaved.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createRandom } from "./idle/random.ts";
import { measureChange, type Took } from "./loss-window/change.ts";
import { spreadOverPhases, startCron } from "./loss-window/cron.ts";
import { startGitwatch } from "./loss-window/gitwatch.ts";
import { startRemotes } from "./loss-window/remote.ts";
import { startSesta } from "./loss-window/sesta.ts";
import type { Subject, Where } from "./loss-window/subject.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { gitwatch: { type: "string" } },
});
const changes = Number(positionals[0] ?? 30);
const cache = join(tmpdir(), `sesta-bench-${process.getuid?.() ?? "user"}`);
mkdirSync(cache, { recursive: true, mode: 0o700 });
const folder = mkdtempSync(join(tmpdir(), "sesta-bench-loss-"));
const random = createRandom(4);
const remotes = await startRemotes(join(folder, "remotes"), ["sesta", "gitwatch", "cron"]);
const ends: (() => Promise<void>)[] = [remotes.end];

try {
  const place = { cache, folder, remotes };
  const sesta = await startSesta(place);
  ends.push(sesta.end);
  console.log(
    `Sesta's first save of everything, to the remote's word: ${(sesta.firstSaveMs / 1000).toFixed(1)} s`,
  );
  const gitwatch = await startGitwatch(place, values.gitwatch);
  if (typeof gitwatch === "string") console.log(`left out: ${gitwatch}`);
  else ends.push(gitwatch.end);
  const cron = startCron(place);
  const subjects: Subject[] = [sesta, ...(typeof gitwatch === "string" ? [] : [gitwatch]), cron];
  for (const where of ["path", "daemon"] as const) {
    for (const subject of subjects) await subject.use(where);
    report(where, await measure(subjects, (subject) => (subject === cron ? () => cron.run() : undefined)));
  }
} finally {
  for (const end of ends.toReversed()) await end();
  rmSync(folder, { recursive: true, force: true });
}

/** At random moments; now and then a second change follows closely. */
async function measure(subjects: readonly Subject[], act: (subject: Subject) => (() => void) | undefined) {
  const times = new Map<string, Took[]>(subjects.map(({ name }) => [name, []]));
  while ([...times.values()].some((took) => took.length < changes)) {
    for (const subject of subjects) {
      for (const again of random.chance(0.3) ? [false, true] : [false]) {
        await delay(again ? random.between(300, 4_000) : random.between(500, 6_000));
        times.get(subject.name)?.push(await measureChange(subject, random, act(subject)));
      }
    }
  }
  return times;
}

function report(where: Where, times: ReadonlyMap<string, readonly Took[]>): void {
  console.log(
    `\nremote by ${where}, seconds: median/p99/maximum; the last column is its median beside Sesta's`,
  );
  console.log(`${" ".repeat(30)} ${"to the commit".padEnd(22)} to the remote`);
  const own = sortTimes("Sesta", times.get("Sesta") ?? []).remote;
  for (const [name, took] of times) {
    const { commit, remote } = sortTimes(name, took);
    const ratio = (at(remote, 0.5) / at(own, 0.5)).toFixed(1);
    console.log(
      `${name.padEnd(30)} ${figures(commit).padEnd(22)} ${figures(remote).padEnd(22)} ${ratio}  (${took.length} changes)`,
    );
  }
}

function sortTimes(name: string, took: readonly Took[]) {
  const spread = (ms: number) => (name.startsWith("cron") ? spreadOverPhases(ms) : [ms]);
  const sort = (all: readonly number[]) => all.flatMap(spread).toSorted((a, b) => a - b);
  return {
    commit: sort(took.map(({ commitMs }) => commitMs)),
    remote: sort(took.map(({ remoteMs }) => remoteMs)),
  };
}

function figures(sorted: readonly number[]): string {
  return [at(sorted, 0.5), at(sorted, 0.99), at(sorted, 1)].map((ms) => (ms / 1000).toFixed(2)).join("/");
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
