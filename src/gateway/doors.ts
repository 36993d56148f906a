// The doors of a project's workloads: each on a port of its own, which stays its own for ever.
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { SiteContext } from "../front/site-context.ts";
import { createWorkloadDoor, type WorkloadDoor } from "../front/workload-door.ts";
import { findFronted } from "../model/project.ts";
import type { Context } from "../operations/context.ts";
import { listenOn } from "./listen.ts";
import type { PortClaims } from "../operations/port-claims.ts";

export type Doors = {
  /** Opens the doors of what is placed and closes the others. @throws SestaError PORT_TAKEN, after opening the rest */
  sync(site: SiteContext): Promise<void>;
  /** Tries again and again where a port was taken, until the signal aborts. */
  keepOpen(site: SiteContext, signal: AbortSignal): Promise<void>;
  /** Workload and port of each open door. */
  ports(): ReadonlyMap<string, number>;
  /** Ends what was opened under an older password. */
  dropOldSessions(): void;
  close(): Promise<void>;
};

export type DoorsContext = {
  claims: PortClaims;
  hosts: ReadonlySet<string>;
  clock: Clock;
  log: Log;
  gatewayPort: () => number;
};

const retryMs = 3_000;

export function createDoors(
  context: Context,
  { claims, hosts, clock, log, gatewayPort }: DoorsContext,
): Doors {
  const { state } = context;
  const doors = new Map<string, { door: WorkloadDoor; port: number }>();
  let last: Promise<void> = Promise.resolve();

  async function open(site: SiteContext, name: string): Promise<void> {
    const fixed = findFronted(context.project, name)?.port ?? state.listPorts().get(name);
    const present = doors.get(name);
    if (present && (fixed === undefined || fixed === present.port)) return;
    await close(name);
    const door = createWorkloadDoor({ ...site, workload: name, hosts, clock, log });
    const reserved = new Set([gatewayPort(), ...state.listPorts().values(), ...(await claims.listOthers())]);
    const { host } = context.project.gateway;
    const port = await listenOn(door.listen, { what: name, host, fixed, first: gatewayPort() + 1, reserved });
    doors.set(name, { door, port });
    state.setPort(name, port);
    await claims.claim(port);
  }

  async function close(name: string): Promise<void> {
    const present = doors.get(name);
    doors.delete(name);
    await present?.door.close();
  }

  const listPlaced = () =>
    new Set(
      // A service has its port on its own machine, held by the agent there.
      state
        .listWorkloads()
        .flatMap(({ name, type, placedAt }) => (placedAt === null || type === "service" ? [] : [name])),
    );

  async function sync(site: SiteContext): Promise<void> {
    const placed = listPlaced();
    const problems: unknown[] = [];
    for (const name of doors.keys()) if (!placed.has(name)) await close(name);
    for (const name of placed) await open(site, name).catch((error: unknown) => problems.push(error));
    if (problems.length > 0) throw problems[0];
  }

  // Two at once would open one door twice.
  function syncInTurn(site: SiteContext): Promise<void> {
    const mine = last.then(() => sync(site));
    last = mine.catch(() => undefined);
    return mine;
  }

  return {
    sync: syncInTurn,
    async keepOpen(site, signal) {
      while (!signal.aborted) {
        await clock.sleep(retryMs, signal).catch(() => undefined);
        if (signal.aborted || listPlaced().size === doors.size) continue;
        await syncInTurn(site).catch((error: unknown) =>
          log.warn("a door stays shut", { error: messageOf(error) }),
        );
      }
    },
    ports: () => new Map([...doors].map(([name, { port }]) => [name, port])),
    dropOldSessions: () => doors.forEach(({ door }) => door.dropOldSessions()),
    async close() {
      for (const name of doors.keys()) await close(name);
    },
  };
}
