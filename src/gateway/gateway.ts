// The gateway: one process a project, which follows its workloads and stands in front of them.
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { messageOf, SestaError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { version } from "../base/version.ts";
import { createGate } from "../front/gate.ts";
import { createSessions } from "../front/session.ts";
import type { SiteContext } from "../front/site-context.ts";
import { createTickets } from "../front/ticket.ts";
import { serveControl, socketPath, type Handler } from "../machine/control-socket.ts";
import type { GatewayHello, GatewayMethods } from "../model/gateway-protocol.ts";
import { readProject, type Context } from "../operations/context.ts";
import { syncPasswords } from "../operations/passwords.ts";
import { holdLock } from "../state/open.ts";
import { listNames, originOf } from "./addresses.ts";
import { createDoors } from "./doors.ts";
import { createFleet } from "./fleet.ts";
import { createFrontPage } from "./front-page.ts";
import { createHousehold } from "./household.ts";
import { createKept } from "./kept.ts";
import { listenOn } from "./listen.ts";
import { createPortClaims } from "../operations/port-claims.ts";
import { createProjectTokens } from "./project-tokens.ts";
import { createTrackedRuns } from "./tracked-runs.ts";
import { watchRuns } from "./run-watch.ts";
import { watchSecrets } from "./secret-watch.ts";

const firstPort = 8470;

export type Gateway = { hello(): GatewayHello; ended: Promise<void>; stop(): Promise<void> };

/** @throws SestaError GATEWAY_RUNNING, PORT_TAKEN */
export async function startGateway(context: Context, log: Log): Promise<Gateway> {
  const { state, folder, world, targets } = context;
  const { clock } = world;
  const lock = holdGateway(folder);
  const stopping = new AbortController();
  const { host } = context.project.gateway;
  const hosts = listNames(host);
  const claims = createPortClaims(world.cacheFolder, context.project.folder);
  let port = 0;

  const kept = createKept(state);
  const { signal } = stopping;
  const tokens = createProjectTokens(context, kept, { clock, log, signal });
  const fleet = createFleet({ targets, state, clock, log, signal, reported: tokens.reported });
  const doors = createDoors(context, { claims, hosts, clock, log, gatewayPort: () => port });
  const household = createHousehold(context, kept, fleet, (name) => originOf(host, doors.ports().get(name)));
  const site = createSiteContext(context, household);
  const frontPage = createFrontPage(site, hosts, clock, log);

  const following = fleet.follow();
  await fleet.ready; // else what failed a moment ago would pass for asleep, and reloading its page would wake it
  port = await listenOn(frontPage.listen, {
    what: "the gateway",
    host,
    fixed: context.project.gateway.port ?? keptPort(context),
    first: firstPort,
    reserved: new Set([...state.listPorts().values(), ...(await claims.listOthers())]),
  }).catch((error: unknown) => {
    stopping.abort();
    throw error;
  });
  state.setSetting("gateway_port", String(port));
  await claims.claim(port);
  await doors
    .sync(site)
    .catch((error: unknown) => log.error("a door stays shut", { error: messageOf(error) }));

  const hello = (): GatewayHello => ({
    pid: world.pid,
    version,
    url: originOf(host, port) ?? "",
    doors: Object.fromEntries([...doors.ports()].map(([name, open]) => [name, originOf(host, open) ?? ""])),
  });

  // A project file that is broken while the gateway runs changes nothing: the last good one stays in force.
  const reload = async (): Promise<GatewayHello> => {
    try {
      context.project = await readProject(context);
    } catch (error) {
      log.warn("project file not taken over", { error: messageOf(error) });
    }
    kept.refresh();
    await doors.sync(site);
    doors.dropOldSessions();
    fleet.nudge();
    return hello();
  };
  const stateChanged = () => {
    kept.refresh();
    doors.dropOldSessions();
    fleet.changed();
  };

  const trackedRuns = createTrackedRuns({
    context,
    log,
    signal,
    portOf: (name) => doors.ports().get(name),
    refresh: kept.refresh,
  });
  const running = Promise.all([
    following,
    trackedRuns.watch(),
    doors.keepOpen(site, signal),
    watchRuns(context, log, signal),
    watchSecrets(context, log, signal, stateChanged, (names) => {
      void tokens.changed(names);
      return syncPasswords(context, names);
    }),
  ]);
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const stop = async (): Promise<void> => {
    stopping.abort();
    control.close();
    await doors.close();
    await frontPage.close();
    await running;
    lock.close();
    end();
  };
  const handlers: { [M in keyof GatewayMethods]: (params: GatewayMethods[M]["params"]) => unknown } = {
    hello,
    reload,
    ticket: ({ workload }) => {
      const code = site.tickets.create({ owner: true });
      const view = workload === null ? undefined : household.find(workload);
      const query = new URLSearchParams({ code, next: view?.home ?? "/" });
      return { url: `${view?.url ?? hello().url}/_sesta/enter?${query}`, expiresInSeconds: 60 };
    },
    token: async ({ secret, value }) => {
      await tokens.tell(secret, value);
      return null;
    },
    reach: async ({ run }) => ({ urls: await trackedRuns.reach(run) }),
    stop: () => {
      setImmediate(() => void stop());
      return null;
    },
  };
  const control = await serveControl(
    socketPath(folder, "gateway"),
    handlers as unknown as Record<string, Handler>,
  );
  log.info("gateway ready", { url: hello().url, pid: world.pid });
  return { hello, ended, stop };
}

function holdGateway(folder: string) {
  try {
    return holdLock(join(folder, "gateway.lock"));
  } catch (error) {
    if (!(error instanceof SestaError) || error.code !== "BUSY") throw error;
    throw new SestaError("GATEWAY_RUNNING", "The gateway of this project runs already", {
      hint: "See `sesta status`; `sesta down` ends it.",
    });
  }
}

function createSiteContext(
  { state, world: { clock } }: Context,
  household: SiteContext["household"],
): SiteContext {
  const key = Buffer.from(state.findSetting("session_key") ?? "", "base64");
  const kept = key.length === 32 ? key : randomBytes(32);
  if (kept !== key) state.setSetting("session_key", kept.toString("base64"));
  const scope = createHash("sha256").update(kept).digest("hex").slice(0, 8);
  return {
    household,
    gate: createGate({ clock, passwords: household.passwords }),
    sessions: createSessions({ key: kept, clock, scope }),
    tickets: createTickets(clock),
    encrypted: false,
  };
}

function keptPort({ state }: Context): number | undefined {
  const kept = state.findSetting("gateway_port");
  return kept === undefined ? undefined : Number(kept);
}
