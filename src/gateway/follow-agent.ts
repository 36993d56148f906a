// Follows the agent of one target: takes what it reports, keeps its record, and brings it back when it dies.
import type { Clock } from "../base/clock.ts";
import { messageOf, SestaError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { AgentEvent } from "../model/agent-protocol.ts";
import type { Report } from "../model/status.ts";
import type { ProjectState } from "../state/project-state.ts";
import type { Target } from "../targets/target.ts";

export type FollowContext = {
  /** As it is now: its section of the file may change. Undefined while nothing of the project is on it. */
  find: () => Target | undefined;
  state: ProjectState;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
};

export type FollowEvents = {
  /** @param afresh the first after the agent was reached, again or for the first time */
  report(report: Report, afresh: boolean): Promise<void>;
  removed(name: string): void;
  changed(): void;
  /** The first try is over, whatever came of it. */
  tried(): void;
  /** Its machine cannot be reached. */
  lost(why: string): void;
};

export type Follower = { followed: Promise<void>; nudge(): void };

const firstPauseMs = 50;
const longestPauseMs = 3_000;
/** A machine that is off or far is tried less often; whoever wakes it nudges. */
const longestFarPauseMs = 30_000;

/** Until the signal aborts. */
export function followAgent({ find, state, clock, log, signal }: FollowContext, on: FollowEvents): Follower {
  let wakeUp: (() => void) | undefined;

  async function follow(): Promise<void> {
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      let target: Target | undefined;
      let longestMs = longestPauseMs;
      try {
        target = find();
        if (target) await attend(target, () => (pauseMs = firstPauseMs));
      } catch (error) {
        if (!signal.aborted) {
          log.warn("the agent does not answer", { target: target?.name, error: messageOf(error) });
          if (isFar(error)) {
            longestMs = longestFarPauseMs;
            on.lost(messageOf(error));
          }
        }
      }
      on.tried();
      await pause(pauseMs);
      pauseMs = Math.min(longestMs, pauseMs * 2);
    }
  }

  async function attend({ name, agent }: Target, heard: () => void): Promise<void> {
    const { instance } = await agent.ensure();
    for (const report of await agent.call("list", {})) await on.report(report, true);
    on.changed();
    on.tried();
    let behind: number | undefined = state.lastUseSeq(instance);
    for await (const event of agent.watch(state.lastSeq(instance), signal)) {
      heard();
      // Asked for once the stream is open, so that none is missed between the two.
      if (behind !== undefined)
        for (const span of await agent.call("uses", { after: behind })) state.addUse(instance, span);
      behind = undefined;
      await take(instance, event);
    }
    if (!signal.aborted) log.warn("the agent went away", { target: name });
  }

  async function take(instance: string, event: AgentEvent): Promise<void> {
    if ("use" in event) return state.addUse(instance, event.use);
    if ("change" in event) state.addChange(instance, event.change);
    if ("removed" in event) on.removed(event.removed);
    if ("report" in event) await on.report(event.report, false);
    on.changed();
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      wakeUp = resolve;
      clock.sleep(ms, signal).then(resolve, resolve);
    });
  }

  return { followed: follow(), nudge: () => wakeUp?.() };
}

/** The machine itself cannot be reached, or must not be: what runs there is not known. */
export function isFar(error: unknown): boolean {
  return (
    error instanceof SestaError &&
    ["SSH_CONNECTION", "HOST_KEY_CHANGED", "HOST_KEY_UNKNOWN"].includes(error.code)
  );
}
