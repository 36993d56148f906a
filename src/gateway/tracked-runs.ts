// Runs that report to a tracker: their machines reach it for as long as they go on, and it learns how they ended.
import { messageOf, SestaError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Forward } from "../machine/machine.ts";
import { isAlive } from "../machine/identity.ts";
import { isOver, partOf, type Run } from "../model/run.ts";
import type { Context } from "../operations/context.ts";
import { openHost } from "../operations/machines.ts";
import { startRelay } from "../operations/tracking/relay.ts";
import { originOf } from "./addresses.ts";

export type TrackedRunsContext = {
  context: Context;
  log: Log;
  signal: AbortSignal;
  /** The port of a workload's door. */
  portOf(workload: string): number | undefined;
  /** The doors have seen the state as it is now. */
  refresh(): void;
};

export type TrackedRuns = {
  /** For each node, the origin under which its machine reaches the tracker. @throws SestaError SSH_CONNECTION, TRACKER */
  reach(id: string): Promise<string[]>;
  /** Until the signal aborts. */
  watch(): Promise<void>;
};

/** From a node of a run to the tracker. */
type Way = {
  run: string;
  forward: Forward;
  /** Its port there; undefined where none could be started. */
  relay: number | undefined;
};

const everyMs = 2_000;
const longestRestMs = 20_000;
const here = "127.0.0.1";

export function createTrackedRuns({
  context,
  log,
  signal,
  portOf,
  refresh,
}: TrackedRunsContext): TrackedRuns {
  const { state, world } = context;
  const ways = new Map<string, Promise<Way>>();
  const busy = new Set<string>();
  const rests = new Map<string, { until: number; pauseMs: number }>();

  async function reach(id: string): Promise<string[]> {
    const run = state.findRun(id);
    const port = run?.tracked && portOf(run.tracked.workload);
    if (!run?.tracked || port === undefined)
      throw new SestaError("TRACKER", `${id} reports to no tracker that is up`, {
        hint: "Run `sesta status`.",
      });
    const found = await Promise.all(run.nodes.map((_, node) => findWay(run, node, port)));
    const ports = found.map(({ forward }) => forward.port ?? null);
    if (ports.some((there, node) => there !== run.tracked?.ports[node]))
      state.changeRun(id, (one) => ({ ...one, ...(one.tracked && { tracked: { ...one.tracked, ports } }) }));
    return found.map(({ relay, forward }) => originOf(here, relay ?? forward.port) ?? "");
  }

  /** One that stands is left alone: it comes back by itself. */
  function findWay(run: Run, node: number, port: number): Promise<Way> {
    const key = partOf(run, node);
    const found = ways.get(key) ?? open(run, node, port);
    ways.set(key, found);
    found.catch(() => ways.delete(key));
    return found;
  }

  async function open(run: Run, node: number, port: number): Promise<Way> {
    const host = await openHost(context, run.target, run.nodes[node]?.machine ?? "");
    const forward = await host.machine.expose(port, run.tracked?.ports[node] ?? undefined);
    try {
      return { run: run.id, forward, relay: await startRelay(host, partOf(run, node), forward.port ?? 0) };
    } catch (error) {
      await forward.close();
      throw error;
    }
  }

  async function look(run: Run): Promise<void> {
    await reach(run.id);
    // Its own command, while it lives, brings its outputs home first.
    if (run.submitter && (await isAlive(run.submitter))) return;
    const { refreshRun } = await import("../operations/jobs/refresh.ts"); // most projects never need it
    const known = await refreshRun(context, run);
    if (!isOver(known.state)) return;
    const { closeTracked } = await import("../operations/tracking/close.ts");
    const problem = await closeTracked(context, known, async (workload) => {
      refresh();
      const port = portOf(workload);
      return port === undefined ? undefined : (originOf(here, port) ?? undefined);
    });
    if (problem !== undefined) log.warn("not all of a run was attached", { run: run.id, problem });
  }

  /** One at a time for each run, so that a machine that is away holds up no other; seldom where it fails. */
  function lookOnce(run: Run): void {
    const before = rests.get(run.id);
    if (busy.has(run.id) || (before && world.clock.monotonic() < before.until)) return;
    busy.add(run.id);
    look(run)
      .then(() => rests.delete(run.id))
      .catch((error: unknown) => {
        const pauseMs = Math.min(longestRestMs, 2 * (before?.pauseMs ?? everyMs));
        rests.set(run.id, { until: world.clock.monotonic() + pauseMs, pauseMs });
        if (!before && !signal.aborted) log.warn("a run's tracker", { run: run.id, error: messageOf(error) });
      })
      .finally(() => busy.delete(run.id));
  }

  async function letGo(isNeeded: (id: string) => boolean): Promise<void> {
    for (const [key, way] of ways) {
      const known = await way.catch(() => undefined);
      if (known && isNeeded(known.run)) continue;
      ways.delete(key);
      await known?.forward.close().catch(() => undefined);
    }
  }

  return {
    reach,
    async watch() {
      while (!signal.aborted) {
        await world.clock.sleep(everyMs, signal).catch(() => undefined);
        if (signal.aborted) break;
        const open = state.listRuns().filter(({ tracked }) => tracked?.isOpen);
        for (const run of open) lookOnce(run);
        await letGo((id) => open.some((run) => run.id === id));
      }
      await letGo(() => false);
    },
  };
}
