// Machine hours and cut-offs of rules for idleness, over synthetic weeks of use or over a recorded history.
// `node bench/idle.ts [WEEKS] [--timer 40m] [--seed N]`, or `--history FILE --timer 20m [--timer 1h]`.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { findDurationMs, formatDuration } from "../src/model/duration.ts";
import { buildTimeline, kinds } from "./idle/people.ts";
import { parseHistory, replay } from "./idle/replay.ts";
import { add, formatTable, nothing } from "./idle/report.ts";
import { createJupyterCulling } from "./idle/rules/jupyter-culling.ts";
import { createJupyterHub } from "./idle/rules/jupyterhub.ts";
import { createOracle } from "./idle/rules/oracle.ts";
import { createOriginalCode, createOriginalReadme } from "./idle/rules/original.ts";
import { computing } from "../src/workloads/lab/build-launch.ts";
import { createSesta } from "./idle/rules/sesta.ts";
import { simulate, type Outcome } from "./idle/simulate.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    timer: { type: "string", multiple: true, default: ["40m"] },
    seed: { type: "string", default: "1" },
    history: { type: "string" },
  },
});
const timersMs = values.timer.map((text) => {
  const ms = findDurationMs(text);
  if (ms === undefined) throw new Error(`--timer ${text} is no duration such as 40m`);
  return ms;
});

if (values.history === undefined) await compareRules(Number(positionals[0] ?? 12), timersMs[0] ?? 0);
else replayHistory(readFileSync(values.history, "utf8"));

async function compareRules(weeks: number, idleMs: number): Promise<void> {
  const rules = [
    createOracle(idleMs),
    createSesta(idleMs, computing),
    createSesta(idleMs),
    createJupyterHub(idleMs),
    createJupyterHub(600_000, "JupyterHub's culler, its 10 min"),
    createJupyterCulling(idleMs),
    createOriginalReadme(idleMs),
    createOriginalCode(idleMs, true),
    createOriginalCode(idleMs, false),
  ];
  const results = new Map<string, Map<string, Outcome>>();
  for (const [index, kind] of Object.keys(kinds).entries()) {
    const outcomes = new Map<string, Outcome>();
    for (let week = 0; week < weeks; week += 1) {
      const timeline = buildTimeline(kind, Number(values.seed) * 1_000_003 + index * 1_009 + week);
      for (const rule of rules) {
        outcomes.set(rule.name, add(outcomes.get(rule.name) ?? nothing, await simulate(timeline, rule)));
      }
    }
    results.set(kind, outcomes);
  }
  console.log(
    `${weeks} synthetic weeks of each kind, idle time ${formatDuration(idleMs)}, seed ${values.seed}\n`,
  );
  console.log(formatTable(weeks, results));
}

function replayHistory(text: string): void {
  const history = parseHistory(text);
  const hours = (ms: number) => (ms / 3_600_000).toFixed(1);
  for (const workload of new Set(history.events.map((event) => event.workload))) {
    for (const idleMs of timersMs) {
      const found = replay(history, workload, idleMs);
      const span = `${new Date(found.from).toISOString()} to ${new Date(found.to).toISOString()}`;
      console.log(`${workload}, ${span}: awake ${hours(found.awakeMs)} h, ${found.wakes} wakes`);
      console.log(
        `  with ${formatDuration(idleMs)}: awake ${hours(found.wouldBeAwakeMs)} h, ${found.sparedWakes} wakes spared, ` +
          `${found.interruptions.length} interruptions`,
      );
      for (const { at, source, idleMs: after } of found.interruptions) {
        console.log(
          `    ${new Date(at).toISOString()} after ${formatDuration(Math.round(after / 1000) * 1000)}: ${source}`,
        );
      }
    }
  }
}
