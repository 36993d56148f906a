// jupyterhub-idle-culler behind configurable-http-proxy: what the hub believes of a server's last activity, and when.
import { createRandom } from "../random.ts";
import type { Rule } from "../simulate.ts";
import { lastAction, lastCovered, lastOutput, tabAsksEveryMs, type Timeline } from "../timeline.ts";

/** JupyterHub.last_activity_interval, and JUPYTERHUB_ACTIVITY_INTERVAL of the server: 5 minutes each. */
const updateEveryMs = 300_000;

/** Read from jupyterhub-idle-culler (`--timeout`, `--cull-every` = half of it) and JupyterHub 6.1.1. */
export function createJupyterHub(timeoutMs: number, name = "JupyterHub's culler"): Rule {
  return {
    name,
    watch(timeline, wokeAt) {
      const random = createRandom(wokeAt);
      const hubPhaseMs = random.between(0, updateEveryMs);
      const cullEveryMs = timeoutMs / 2;
      let believed = wokeAt; // a spawn is activity
      let reportAt = wokeAt + random.between(0, 30_000);
      for (let at = wokeAt + random.between(0, cullEveryMs); ; at += cullEveryMs) {
        if (at >= timeline.endMs) return { sleepsAt: at };
        const hubAskedAt = lastTurn(at, hubPhaseMs);
        if (hubAskedAt > wokeAt) believed = Math.max(believed, seenByProxy(timeline, hubAskedAt));
        for (; reportAt <= at; reportAt += updateEveryMs * random.between(0.9, 1.1)) {
          believed = Math.max(believed, seenByServer(timeline, reportAt));
        }
        if (at - believed >= timeoutMs) return { sleepsAt: at };
      }
    },
  };
}

function lastTurn(at: number, phaseMs: number): number {
  return Math.floor((at - phaseMs) / updateEveryMs) * updateEveryMs + phaseMs;
}

/** Every request that was answered and all data of WebSockets, pongs included (configproxy.js), so every open tab. */
export function seenByProxy(timeline: Timeline, at: number): number {
  return Math.max(lastAction(timeline, at), lastAsked(timeline, at));
}

/**
 * ServerApp.last_activity: requests, kernel messages (a kernel that is silent sends none), and what passes through a
 * terminal's WebSocket, so a terminal only while its tab is open.
 */
export function seenByServer(timeline: Timeline, at: number): number {
  const kernels = timeline.code.filter(({ where }) => where === "kernel");
  return Math.max(seenByProxy(timeline, at), ...kernels.map((code) => lastOutput(code, at)));
}

function lastAsked({ tabs }: Timeline, at: number): number {
  const newest = lastCovered(tabs, at);
  return newest === at ? Math.floor(at / tabAsksEveryMs) * tabAsksEveryMs : newest;
}
