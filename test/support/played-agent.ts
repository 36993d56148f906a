// An agent that a test plays: the real socket with answers of the test's own, so that every answer can be had.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../src/base/version.ts";
import { serveControl, socketPath, type Handler } from "../../src/machine/control-socket.ts";
import { protocolVersion, type AgentEvent, type AgentMethods } from "../../src/model/agent-protocol.ts";
import type { SaveReport } from "../../src/model/save.ts";
import type { Report } from "../../src/model/status.ts";
import { buildAbsent } from "../../src/targets/absent.ts";

type Answers = { [M in keyof AgentMethods]?: (params: AgentMethods[M]["params"]) => unknown };
export type PlayedAgent = Awaited<ReturnType<typeof playAgent>>;

/** @param folder the project's `.sesta` */
export async function playAgent(folder: string, answers: Answers = {}) {
  const asked: { method: string; params: unknown }[] = [];
  const reports = new Map<string, Report>();
  const watchers = new Set<(event: AgentEvent) => void>();
  const all: Answers = {
    hello: () => ({ protocol: protocolVersion, version, pid: process.pid, instance: "played" }),
    list: () => [...reports.values()],
    token: () => null,
    changes: () => [],
    uses: () => [],
    ...answers,
  };
  const handlers = Object.fromEntries(
    Object.entries(all).map(([method, answer]): [string, Handler] => [
      method,
      (params) => {
        asked.push({ method, params });
        return (answer as (params: never) => unknown)(params);
      },
    ]),
  );
  const path = socketPath(join(folder, "agent"), "agent");
  const server = await serveControl(path, handlers, {
    watch: (_params: never, emit, closed) =>
      new Promise((resolve) => {
        watchers.add(emit);
        closed.addEventListener("abort", () => resolve(void watchers.delete(emit)), { once: true });
        for (const report of reports.values()) emit({ report });
      }),
  });
  return {
    /** What `method` was asked with, in order. */
    asked: (method: keyof AgentMethods) =>
      asked.filter((one) => one.method === method).map(({ params }) => params),
    report(name: string, more: Partial<Report>): void {
      const report = { ...buildAbsent(name, 0), state: "asleep" as const, ...more };
      reports.set(name, report);
      for (const emit of watchers) emit({ report });
    },
    async end(): Promise<void> {
      await new Promise((resolve) => server.close(resolve));
      rmSync(path, { force: true });
    },
  };
}

export function buildSaveReport(more: Partial<SaveReport> = {}): SaveReport {
  return {
    savedAt: 1_000,
    owedSince: null,
    branch: "main",
    beside: null,
    behind: false,
    problem: null,
    setAside: [],
    held: null,
    needsToken: false,
    ...more,
  };
}
