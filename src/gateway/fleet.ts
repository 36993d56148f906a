// The live picture of a project's workloads: follows the agent, keeps its record, and brings it back when it dies.
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { AgentEvent, DoorAddress } from "../model/agent-protocol.ts";
import type { Report } from "../model/status.ts";
import type { ProjectState } from "../state/project-state.ts";
import type { Target } from "../targets/target.ts";
import { createUseTeller } from "./use-teller.ts";

export type FleetContext = {
  target: Target;
  state: ProjectState;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** A report has come; its workload may need something. */
  reported?: (report: Report) => void;
};
export type Fleet = ReturnType<typeof createFleet>;

const firstPauseMs = 50;
const longestPauseMs = 3_000;

export function createFleet({ target, state, clock, log, signal, reported }: FleetContext) {
  const reports = new Map<string, Report>();
  const addresses = new Map<string, DoorAddress>();
  const listeners = new Set<() => void>();
  const starting = new Map<string, Promise<Report>>();
  const tell = createUseTeller(clock, (name, source, kind) =>
    target.agent.call("use", { name, source, kind }).catch((error: unknown) => {
      log.warn("use not told", { error: messageOf(error) });
    }),
  );
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
          let behind: number | undefined = state.lastUseSeq(instance);
          for await (const event of target.agent.watch(state.lastSeq(instance), signal)) {
            pauseMs = firstPauseMs;
            // Asked for once the stream is open, so that none is missed between the two.
            if (behind !== undefined) await catchUp(behind);
            behind = undefined;
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
    if ("use" in event) return state.addUse(instance, event.use);
    if ("removed" in event) {
      reports.delete(event.removed);
      addresses.delete(event.removed);
    }
    if ("report" in event) await takeReport(event.report);
    changed();
  }

  async function catchUp(after: number): Promise<void> {
    for (const span of await target.agent.call("uses", { after })) state.addUse(instance, span);
  }

  // A workload is shown awake only when its address is known: the door must never find it awake and closed.
  async function takeReport(report: Report): Promise<void> {
    const { name, pid } = report;
    const before = reports.get(name);
    if (!report.open) addresses.delete(name);
    else if (!before?.open || before.pid !== pid || !addresses.has(name)) {
      const address = await target.agent.call("door", { name });
      if (address) addresses.set(name, address);
      else if (report.state === "awake") return; // it went away in between; the next report says so
      else addresses.delete(name);
    }
    reports.set(name, report);
    reported?.(report);
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
    used: tell,
    /** Too late for one that is not awake any more: it is woken instead. */
    async keepAwake(name: string, source: string, by: string): Promise<void> {
      if (reports.get(name)?.state === "awake")
        await target.agent.call("use", { name, source, kind: "visit" });
      else await this.wake(name, "Somebody asked that it stays awake.", by);
    },
  };
}
