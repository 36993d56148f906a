// The live picture of a project's workloads: follows the agent, keeps its record, and brings it back when it dies.
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { AgentEvent, DoorAddress } from "../model/agent-protocol.ts";
import type { Report } from "../model/status.ts";
import type { ProjectState } from "../state/project-state.ts";
import type { Target } from "../targets/target.ts";

export type FleetContext = {
  target: Target;
  state: ProjectState;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
};
export type Fleet = ReturnType<typeof createFleet>;

const firstPauseMs = 50;
const longestPauseMs = 3_000;
/** One use of a workload is told to the agent at most this often. */
const useEveryMs = 1_000;

export function createFleet({ target, state, clock, log, signal }: FleetContext) {
  const reports = new Map<string, Report>();
  const addresses = new Map<string, DoorAddress>();
  const listeners = new Set<() => void>();
  const starting = new Map<string, Promise<Report>>();
  const lastUse = new Map<string, number>();
  let instance = "";
  let wakeUp: (() => void) | undefined;

  let known: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (known = resolve));

  const changed = () => listeners.forEach((listener) => listener());

  async function follow(): Promise<void> {
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      try {
        if (state.listWorkloads().some(({ placedAt }) => placedAt !== null)) {
          ({ instance } = await target.agent.ensure());
          for (const report of await target.agent.call("list", {})) await takeReport(report);
          changed();
          known();
          for await (const event of target.agent.watch(state.lastSeq(instance), signal)) {
            pauseMs = firstPauseMs;
            await take(event);
          }
          if (!signal.aborted) log.warn("the agent went away");
        }
      } catch (error) {
        if (!signal.aborted) log.warn("the agent does not answer", { error: messageOf(error) });
      }
      known();
      await pause(pauseMs);
      pauseMs = Math.min(longestPauseMs, pauseMs * 2);
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      wakeUp = resolve;
      clock.sleep(ms, signal).then(resolve, resolve);
    });
  }

  async function take(event: AgentEvent): Promise<void> {
    if ("change" in event) state.addChange(instance, event.change);
    if ("removed" in event) {
      reports.delete(event.removed);
      addresses.delete(event.removed);
    }
    if ("report" in event) await takeReport(event.report);
    changed();
  }

  // A workload is shown awake only when its address is known: the door must never find it awake and closed.
  async function takeReport(report: Report): Promise<void> {
    if (report.state !== "awake") addresses.delete(report.name);
    else if (reports.get(report.name)?.state !== "awake" || !addresses.has(report.name)) {
      const address = await target.agent.call("door", { name: report.name });
      if (!address) return; // it went away in between; the next report says so
      addresses.set(report.name, address);
    }
    reports.set(report.name, report);
  }

  return {
    /** Follows the agent until the signal aborts. */
    follow,
    /** Resolves when the agent's word is known, or when it could not be had at the first try. */
    ready,
    /** Something that pages show has changed elsewhere. */
    changed,
    /** Tries again at once, after something was brought up. */
    nudge: () => wakeUp?.(),
    find: (name: string): Report | undefined => reports.get(name),
    address: (name: string): DoorAddress | undefined => addresses.get(name),
    onChange: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** However many ask while one start is under way, the agent is asked once. */
    wake(name: string, why: string, by: string): Promise<Report> {
      const known = reports.get(name);
      if (known?.state === "waking" || known?.state === "awake") return Promise.resolve(known);
      const running = starting.get(name);
      if (running) return running;
      const asked = target.wake(name, why, by).then(async (report) => {
        await takeReport(report);
        changed();
        return report;
      });
      starting.set(name, asked);
      const done = () => starting.delete(name);
      asked.then(done, done);
      return asked;
    },
    async sleep(name: string, why: string, by: string): Promise<Report> {
      const report = await target.sleep(name, why, by);
      await takeReport(report);
      changed();
      return report;
    },
    /** A person did something at this workload's door. */
    used(name: string, source: string): void {
      const now = clock.monotonic();
      if (now - (lastUse.get(name) ?? -Infinity) < useEveryMs) return;
      lastUse.set(name, now);
      target.agent
        .call("use", { name, source })
        .catch((error) => log.warn("use not told", { error: messageOf(error) }));
    },
  };
}
