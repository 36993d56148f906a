// A project with one service of support/app.ts behind a real agent and gateway, and what its processes take.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { until } from "../../faults/support/processes.ts";
import { createJobProject, listWorkingIn, type JobProject } from "../../support/job-project.ts";
import { freePort } from "../../support/scratch-project.ts";
import type { ReplicaReport } from "../../../src/model/release.ts";

export type LoadProject = JobProject & {
  port: number;
  /** The next deploy has something to deploy. */
  ship(version: string): void;
  /** Replicas of a new release, on which no earlier failure counts. */
  renew(): Promise<void>;
  replicas(): Promise<readonly ReplicaReport[]>;
  /** Of its replicas, as `status` names them. */
  pids(): Promise<number[]>;
  agentPid(): Promise<number>;
  gatewayPid(): Promise<number>;
  /** Of the app, whoever started them. */
  running(): number[];
  /** Resolves when this many replicas are up and no other process of the app runs. */
  settled(count: number): Promise<void>;
};

const app = fileURLToPath(new URL("app.ts", import.meta.url));

/** Is up when this resolves. @param keys lines of YAML of the service, beside its command, port and health */
export async function createLoadProject(keys: string): Promise<LoadProject> {
  const port = await freePort();
  const yaml = `name: load
workloads:
  app:
    type: service
    command: exec '${process.execPath}' '${app}'
    port: ${port}
    health: { path: /health, start: 60s, timeout: 10s }
${keys.replaceAll(/^/gm, "    ")}
`;
  const project = await createJobProject({ yaml });
  const replicas = async () => (await project.workload("app")).replicas ?? [];
  const pids = async () => sort((await replicas()).flatMap(({ pid }) => pid ?? []));
  const running = () =>
    sort(
      listWorkingIn(project.folder)
        .filter(({ command }) => command.includes(app))
        .map(({ pid }) => pid),
    );
  const ship = (version: string) => project.write("version", version);
  ship("one");
  await project.must(["up", "-y"]);
  return {
    ...project,
    port,
    ship,
    replicas,
    pids,
    agentPid: async () => (await project.workload("app")).agent_pid ?? 0,
    running,
    async renew() {
      await project.must(["deploy", "app", "-y", "--again"]);
    },
    gatewayPid: async () => (await project.status()).gateway.pid ?? 0,
    async settled(count) {
      let seen: unknown;
      await until(
        async () => {
          const known = await replicas();
          seen = { known, running: running() };
          const up = known.filter(({ state, pid }) => state === "up" && running().includes(pid ?? 0));
          return up.length === count && known.length === count && running().length === count;
        },
        () => `it does not settle: ${JSON.stringify(seen)}`,
        120_000,
      );
    },
    async end() {
      await project.must(["down", "-y"]);
      const left = () => listWorkingIn(project.folder);
      await until(
        () => left().length === 0,
        () => `after \`down\` there is still ${JSON.stringify(left())}`,
        10_000,
      );
      await project.end();
    },
  };
}

export function readMemory(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

export function countFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Resolves once the process has as few descriptors as `before`, or up to five more. */
export async function untilClosed(pid: number, before: number): Promise<void> {
  await until(
    () => countFiles(pid) <= before + 5,
    () => `${countFiles(pid) - before} descriptors are left`,
  );
}

function sort(pids: readonly number[]): number[] {
  return pids.toSorted((a, b) => a - b);
}
