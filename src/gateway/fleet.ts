// The live picture of a project's workloads, wherever they are: follows the agents, and asks them for what people want.
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DoorAddress } from "../model/agent-protocol.ts";
import type { Report } from "../model/status.ts";
import { listOn, type Targets } from "../operations/targets.ts";
import type { ProjectState } from "../state/project-state.ts";
import { buildLost, buildReaching } from "./far-report.ts";
import { followAgent, type Follower } from "./follow-agent.ts";
import { createUseTeller } from "./use-teller.ts";

export type FleetContext = {
  targets: Pick<Targets, "get" | "of" | "inUse">;
  state: ProjectState;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** A report has come; its workload may need something. */
  reported?: (report: Report) => void;
};
export type Fleet = ReturnType<typeof createFleet>;

/** How often it is looked whether something is up on a target that nothing was up on. */
const lookEveryMs = 3_000;
/** Until a wake that its machine does not answer shows as one. */
const reachMs = 2_000;
/** A gateway that starts waits so long for a machine that does not answer. */
const firstTryMs = 5_000;

export function createFleet({ targets, state, clock, log, signal, reported }: FleetContext) {
  const reports = new Map<string, Report>();
  const addresses = new Map<string, DoorAddress>();
  const listeners = new Set<() => void>();
  const starting = new Map<string, Promise<Report>>();
  const reaching = new Set<string>();
  const followers = new Map<string, Follower>();
  const tell = createUseTeller(clock, async (name, source, kind) => {
    try {
      await targets.of(name).agent.call("use", { name, source, kind });
    } catch (error) {
      log.warn("use not told", { error: messageOf(error) });
    }
  });

  let known: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (known = resolve));
  let wakeUp: (() => void) | undefined;

  const changed = () => listeners.forEach((listener) => listener());

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      await Promise.all(targets.inUse().map(({ name }) => followOnce(name)));
      known();
      await new Promise<void>((resolve) => {
        wakeUp = resolve;
        clock.sleep(lookEveryMs, signal).then(resolve, resolve);
      });
    }
    await Promise.all([...followers.values()].map(({ followed }) => followed));
  }

  /** Resolves when the agent's word is known, or could not be had at the first try or for some time. */
  function followOnce(name: string): Promise<void> {
    if (followers.has(name)) return Promise.resolve();
    return new Promise((resolve) => {
      const find = () =>
        listOn(state, name).some(({ placedAt }) => placedAt !== null) ? targets.get(name) : undefined;
      const follower = followAgent(
        { find, state, clock, log, signal },
        {
          report: takeReport,
          removed(gone) {
            reports.delete(gone);
            addresses.delete(gone);
          },
          changed,
          tried: resolve,
          lost: (reason) => lose(name, reason),
        },
      );
      followers.set(name, follower);
      clock.sleep(firstTryMs, signal).then(resolve, resolve);
    });
  }

  /** What was awake there is shown as failed with the reason, until its agent says more; what slept sleeps on. */
  function lose(target: string, reason: string): void {
    for (const { name } of listOn(state, target)) {
      addresses.delete(name);
      if (reaching.has(name)) continue; // it is being woken: that tells how it ends
      const before = reports.get(name);
      if (before && before.state !== "asleep" && before.state !== "failed")
        reports.set(name, buildLost(before, `Nothing is known of it: ${reason}`, clock.now()));
    }
    changed();
  }

  // A workload is shown awake only when its address is known: the door must never find it awake and closed.
  async function takeReport(report: Report, afresh = false): Promise<void> {
    const { name, pid } = report;
    const before = reports.get(name);
    // A service has a door of its own, on its machine.
    if (!report.open || report.service) addresses.delete(name);
    else if (afresh || !before?.open || before.pid !== pid || !addresses.has(name)) {
      const address = await targets.of(name).door(name);
      if (address) addresses.set(name, address);
      else if (report.state === "awake") return; // it went away in between; the next report says so
      else addresses.delete(name);
    }
    reports.set(name, report);
    reported?.(report);
  }

  async function askToWake(name: string, why: string, by: string): Promise<Report> {
    const target = targets.of(name);
    const asked = target.wake(name, why, by).then(async (report) => {
      followers.get(target.name)?.nudge();
      await takeReport(report);
      changed();
      return report;
    });
    return target.remote ? Promise.race([asked, showReaching(name, by, asked)]) : asked;
  }

  /** A machine that has to be woken itself takes minutes: nobody's request waits for that. */
  async function showReaching(name: string, by: string, asked: Promise<Report>): Promise<Report> {
    const over = new AbortController();
    const end = () => {
      over.abort();
      reaching.delete(name);
    };
    reaching.add(name);
    asked.then(end, end);
    const late = await clock.sleep(reachMs, AbortSignal.any([signal, over.signal])).then(
      () => true,
      () => false,
    );
    const placed = state.findWorkload(name);
    if (!late || !placed) return asked;
    const shown = buildReaching(placed, reports.get(name), clock.now());
    log.info("its machine is being reached", { workload: name, by });
    reports.set(name, shown);
    changed();
    asked.catch((error: unknown) => {
      if (reports.get(name) !== shown) return; // its agent has been heard of since
      reports.set(name, buildLost(shown, messageOf(error), clock.now()));
      changed();
    });
    return shown;
  }

  return {
    /** Follows the agents until the signal aborts. */
    follow,
    /** Resolves when the agents' word is known, or when it could not be had at the first try. */
    ready,
    /** Something that pages show has changed elsewhere. */
    changed,
    /** Tries again at once, after something was brought up. Of what was forgotten no agent says that it is gone. */
    nudge() {
      for (const name of reports.keys()) {
        if (state.findWorkload(name)) continue;
        reports.delete(name);
        addresses.delete(name);
      }
      wakeUp?.();
      for (const follower of followers.values()) follower.nudge();
    },
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
      const asked = askToWake(name, why, by);
      starting.set(name, asked);
      const done = () => starting.delete(name);
      asked.then(done, done);
      return asked;
    },
    async sleep(name: string, why: string, by: string): Promise<Report> {
      const report = await targets.of(name).sleep(name, why, by);
      await takeReport(report);
      changed();
      return report;
    },
    /** A person did something at this workload's door. */
    used: tell,
    /** Too late for one that is not awake any more: it is woken instead. */
    async keepAwake(name: string, source: string, by: string): Promise<void> {
      if (reports.get(name)?.state === "awake")
        await targets.of(name).agent.call("use", { name, source, kind: "visit" });
      else await this.wake(name, "Somebody asked that it stays awake.", by);
    },
  };
}
