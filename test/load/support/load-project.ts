// A project with one service of load-app.ts, and what its agent takes: memory, descriptors, requests in flight.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../faults/support/processes.ts";
import { ask } from "../../support/ask.ts";
import { createJobProject, listWorkingIn, type JobProject } from "../../support/job-project.ts";
import { freePort } from "../../support/scratch-project.ts";
import { root } from "../../support/source-files.ts";

export type LoadProject = JobProject & {
  port: number;
  url: string;
  /** What the next release answers as. */
  ship(version: string): void;
  replicas(): Promise<{ release: number; slot: number; pid: number; port: number; state: string }[]>;
  /** Resolves with the replicas once `count` of one release are up and nothing else of the app runs. */
  settled(count?: number): Promise<number[]>;
  agentPid(): Promise<number>;
  /** Processes of the app, whoever started them. */
  running(): number[];
  /** A metric of the balancer, summed over its labels. */
  metric(name: string): Promise<number>;
};

/** How long a row that lasts is kept up. */
export const loadSeconds = Number(process.env["SESTA_LOAD_SECONDS"] ?? 600);
/** Why these tests do not run here; undefined where they do. */
export const whySkipped = findReason();

/** @param keys lines of YAML of the service, beside its type, command, port and health */
export async function createLoadProject(keys: string, every = "1s"): Promise<LoadProject> {
  const port = await freePort();
  const app = join(root, "test/load/support/load-app.ts");
  const yaml =
    `name: load\nworkloads:\n  web:\n    type: service\n    command: exec "${process.execPath}" "${app}"\n` +
    `    port: ${port}\n    health: { path: /health, every: ${every}, timeout: 5s }\n` +
    `${keys.replaceAll(/^/gm, "    ")}\n`;
  const project = await createJobProject({ yaml });
  const url = `http://127.0.0.1:${port}`;
  const ship = (version: string) => project.write("version.txt", version);
  const running = () =>
    listWorkingIn(project.folder)
      .filter(({ command }) => command.includes("load-app.ts"))
      .map(({ pid }) => pid)
      .toSorted((a, b) => a - b);
  const replicas = async () =>
    ((await project.workload("web")).replicas ?? []).map((one) => ({
      ...one,
      pid: one.pid ?? 0,
      port: one.port ?? 0,
    }));
  ship("one");
  await project.must(["up", "-y"]).catch(async (error: unknown) => {
    await project.end();
    throw error;
  });
  return {
    ...project,
    port,
    url,
    ship,
    running,
    replicas,
    async settled(count = 2) {
      let seen: unknown;
      return until(
        async () => {
          const known = await replicas();
          const pids = known.map(({ pid }) => pid).toSorted((a, b) => a - b);
          seen = { known, running: running() };
          const isOne = new Set(known.map(({ release }) => release)).size === 1;
          const isUp = known.length === count && known.every(({ state }) => state === "up");
          return isOne && isUp && running().join() === pids.join() ? pids : undefined;
        },
        () => `it does not settle: ${JSON.stringify(seen)}`,
        120_000,
      );
    },
    agentPid: async () => (await project.workload("web")).agent_pid ?? 0,
    async metric(name) {
      const { body } = await ask(`${url}/metrics`);
      const lines = body.split("\n").filter((line) => line.startsWith(`${name}{`));
      return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
    async end() {
      let left: unknown[] = [];
      const isGone = () => (left = listWorkingIn(project.folder)).length === 0;
      await project.must(["down", "-y"]);
      await until(isGone, () => `left behind: ${JSON.stringify(left)}`).finally(project.end);
    },
  };
}

export const rssBytes = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;

export const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

/** One line of what was seen, beside what the row asks for. */
export function tell(row: string, figures: Record<string, number | string>): void {
  const parts = Object.entries(figures).map(
    ([name, value]) => `${name} ${typeof value === "number" ? Math.round(value * 10) / 10 : value}`,
  );
  process.stdout.write(`${row}: ${parts.join(", ")}\n`);
}

function findReason(): string | undefined {
  if (process.env["SESTA_FULL"] !== "1") return "it takes minutes; `npm run test:load` runs it";
  return existsSync("/proc/self/fd") ? undefined : "it reads /proc, which only Linux has";
}
