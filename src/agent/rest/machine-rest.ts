// Lets the machine itself rest, where the project wants that, once a workload has gone to sleep and nobody uses it.
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { MachineRest } from "../../model/agent-protocol.ts";
import type { Change, Report } from "../../model/status.ts";

export type RestContext = {
  clock: Clock;
  log: Log;
  /** What the workloads want of their machine as they are now; undefined: it stays on. */
  wanted(): MachineRest | undefined;
  reports(): readonly Report[];
  /** What else on the machine speaks against it, in words. */
  findUse(): Promise<string | undefined>;
  rest(how: MachineRest): Promise<void>;
  /** For the record of a workload. */
  remark(workload: string, what: string): void;
  signal: AbortSignal;
};

/** Whoever put it to sleep may change their mind, and what was saved last is on its way. */
const graceMs = 60_000;
const lookEveryMs = 30_000;
/** One that was woken for nothing rests again. */
const afterRestMs = 15 * 60_000;
/** A repository that cannot be reached does not keep a machine on for longer. */
const longestOwedMs = 10 * 60_000;

/** Does nothing until a workload goes to sleep: a machine that was only started stays on. */
export function createMachineRest(context: RestContext): { changed(change: Change): void } {
  const { clock, log, signal } = context;
  let watching: AbortController | undefined;

  async function watch(workload: string, over: AbortSignal): Promise<void> {
    let [pauseMs, said] = [graceMs, ""];
    for (;;) {
      await clock.sleep(pauseMs, over);
      const how = context.wanted();
      if (how === undefined) return;
      const use = findOwnUse(context) ?? (await context.findUse());
      over.throwIfAborted();
      pauseMs = lookEveryMs;
      if (use !== undefined) {
        if (use !== said) log.info("the machine stays on", { because: use });
        said = use;
        continue;
      }
      pauseMs = afterRestMs;
      await letRest(workload, how);
    }
  }

  async function letRest(workload: string, how: MachineRest): Promise<void> {
    log.info("the machine rests", { how });
    context.remark(workload, `Its machine is told to ${describe(how)}: nothing on it is used.`);
    try {
      await context.rest(how);
    } catch (error) {
      log.error("the machine cannot rest", { error: messageOf(error) });
      context.remark(workload, `Its machine could not be told to ${describe(how)}: ${messageOf(error)}`);
    }
  }

  return {
    changed({ workload, from, to }) {
      if (to === "waking" || to === "awake") watching?.abort();
      if (from !== "sleeping" || to !== "asleep" || context.wanted() === undefined) return;
      watching?.abort();
      watching = new AbortController();
      watch(workload, AbortSignal.any([signal, watching.signal])).catch((error: unknown) => {
        if (!signal.aborted && !watching?.signal.aborted)
          log.error("the machine's rest", { error: messageOf(error) });
      });
    },
  };
}

function findOwnUse({ reports, clock }: RestContext): string | undefined {
  for (const { name, state, save, since } of reports()) {
    if (state !== "asleep" && state !== "failed" && state !== "absent") return `${name} is ${state}`;
    if (save && save.owedSince !== null && clock.now() - since < longestOwedMs)
      return `saves of ${name} wait for their repository`;
  }
  return undefined;
}

function describe(how: MachineRest): string {
  return how === "suspend" ? "suspend" : "power off";
}
