// Jupyter's own means: kernels and terminals are culled when idle, and a server without either ends itself.
import type { Ending, Rule } from "../simulate.ts";
import { covers, lastAction, lastOutput, type Code, type Timeline } from "../timeline.ts";
import { seenByServer } from "./jupyterhub.ts";

const cullEveryMs = 300_000; // MappingKernelManager.cull_interval, TerminalManager.cull_interval
const endEveryMs = 60_000; // ServerApp looks each minute

/**
 * `cull_idle_timeout`, `cull_inactive_timeout` and `shutdown_no_activity_timeout` all at the timer, `cull_busy` and
 * `cull_connected` off as they are by default (jupyter_server 2.20, jupyter_server_terminals 0.5).
 */
export function createJupyterCulling(idleMs: number): Rule {
  return { name: "Jupyter's own culling", watch: (timeline, wokeAt) => watch(timeline, wokeAt, idleMs) };
}

function watch(timeline: Timeline, wokeAt: number, idleMs: number): Ending {
  const ended: { code: Code; at: number }[] = [];
  const goneCode = new Set<Code>();
  let culledAt = wokeAt; // a kernel's end is activity of the server
  let kernelsGoneAt = wokeAt - 1; // whatever is older than the wake is gone
  let terminalsGoneAt = wokeAt - 1;
  for (let at = wokeAt + endEveryMs; ; at += endEveryMs) {
    if (at >= timeline.endMs) return { sleepsAt: at, ended };
    const kernelActive = lastKernel(timeline, at);
    const terminalActive = lastTerminal(timeline, at, goneCode);
    if ((at - wokeAt) % cullEveryMs === 0) {
      const kernels = timeline.code.filter(({ where }) => where === "kernel");
      const idle = !covers(kernels, at) && at - kernelActive > idleMs && !covers(timeline.tabs, at);
      if (kernelActive > kernelsGoneAt && idle) culledAt = kernelsGoneAt = at;
      if (terminalActive > terminalsGoneAt && at - terminalActive > idleMs) {
        terminalsGoneAt = at;
        for (const code of timeline.code) {
          if (code.where !== "terminal" || !isRunning(code, at) || goneCode.has(code)) continue;
          goneCode.add(code);
          ended.push({ code, at });
        }
      }
    }
    const empty = kernelActive <= kernelsGoneAt && terminalActive <= terminalsGoneAt;
    const active = Math.max(culledAt, seenByServer(timeline, at));
    if (empty && at - active > idleMs) return { sleepsAt: at, ended };
  }
}

function lastKernel(timeline: Timeline, at: number): number {
  const kernels = timeline.code.filter(({ where }) => where === "kernel");
  return Math.max(lastAction(timeline, at, ["kernel"]), ...kernels.map((code) => lastOutput(code, at)));
}

/** Output counts here without a tab too: the server reads it (pre_pty_read_hook). */
function lastTerminal(timeline: Timeline, at: number, gone: ReadonlySet<Code>): number {
  const programs = timeline.code.filter((code) => code.where === "terminal" && !gone.has(code));
  return Math.max(lastAction(timeline, at, ["terminal"]), ...programs.map((code) => lastOutput(code, at)));
}

function isRunning({ from, to }: Code, at: number): boolean {
  return from <= at && at < to;
}
