// The system that Sesta replaces: what its README says, and what its stop_idle.py does; cron asks each minute.
import type { Rule } from "../simulate.ts";
import { covers, lastAction, lastCovered, lastOutput, type Timeline } from "../timeline.ts";

const everyMs = 60_000;

/** "No interaction in the interface and no running code in the notebook." Terminals are not spoken of. */
export function createOriginalReadme(idleMs: number): Rule {
  const isIdle = (timeline: Timeline, at: number) => {
    const kernels = timeline.code.filter(({ where }) => where === "kernel");
    return at - Math.max(lastAction(timeline, at), lastCovered(kernels, at)) >= idleMs;
  };
  return {
    name: "original, by its README",
    watch: (timeline, wokeAt) => ask(timeline, wokeAt, isIdle),
  };
}

/**
 * Not before the machine has been up for the idle time; then idle unless a session's kernel is not idle or was active
 * within the idle time. `except: pass` takes whatever goes wrong for idleness.
 * @param answered false: as it was deployed, where Jupyter had a password and the script none, so that the question
 *   for sessions is answered by 403 with an object, reading which raises
 */
export function createOriginalCode(idleMs: number, answered: boolean): Rule {
  const isIdle = (timeline: Timeline, at: number) => {
    if (!answered || covers(timeline.outages, at)) return true;
    const kernels = timeline.code.filter(({ where }) => where === "kernel");
    if (covers(kernels, at)) return false;
    const activity = Math.max(
      lastAction(timeline, at, ["kernel"]),
      ...kernels.map((code) => lastOutput(code, at)),
    );
    return at - activity > idleMs;
  };
  return {
    name: answered ? "original, by its code" : "original, as deployed (403)",
    // get_uptime() <= IDLE_TIME: not yet
    watch: (timeline, wokeAt) => ask(timeline, wokeAt + idleMs, isIdle),
  };
}

/** The first whole minute after `from` at which it is idle. */
function ask(timeline: Timeline, from: number, isIdle: (timeline: Timeline, at: number) => boolean) {
  let at = (Math.floor(from / everyMs) + 1) * everyMs;
  while (at < timeline.endMs && !isIdle(timeline, at)) at += everyMs;
  return { sleepsAt: at };
}
