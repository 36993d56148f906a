// The gateway: one process a project, with the wake endpoint, the index, and a door for each workload.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { messageOf, SestaError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { version } from "../base/version.ts";
import { createGate } from "../front/gate.ts";
import { isKnownHost } from "../front/host.ts";
import { buildIndexPage } from "../front/pages/index-page.ts";
import { createDoorServer } from "../front/proxy/door-server.ts";
import { createSessions } from "../front/session.ts";
import { createSite, page, visitorOf, type SiteContext } from "../front/site.ts";
import { createTickets } from "../front/ticket.ts";
import { createWorkloadDoor, type WorkloadDoor } from "../front/workload-door.ts";
import { serveControl, socketPath, type Handler } from "../machine/control-socket.ts";
import type { GatewayHello, GatewayMethods } from "../model/gateway-protocol.ts";
import { findWorkload } from "../model/project.ts";
import type { Context } from "../operations/context.ts";
import { readProject } from "../operations/context.ts";
import { syncPasswords } from "../operations/passwords.ts";
import { openDatabase } from "../state/open.ts";
import { createFleet } from "./fleet.ts";
import { createHousehold } from "./household.ts";
import { listenOn } from "./listen.ts";
import { watchSecrets } from "./secret-watch.ts";
import { addWakeRoutes } from "./wake.ts";

const firstPort = 8470;

export type Gateway = { hello(): GatewayHello; ended: Promise<void>; stop(): Promise<void> };

/** @throws SestaError GATEWAY_RUNNING, PORT_TAKEN */
export async function startGateway(context: Context, log: Log): Promise<Gateway> {
  const { state, folder, world, target } = context;
  const { clock } = world;
  const lock = holdGateway(folder);
  const stopping = new AbortController();
  const fleet = createFleet({ target, state, clock, log, signal: stopping.signal });
  const doors = new Map<string, { door: WorkloadDoor; port: number }>();
  const { host } = context.project.gateway;
  const hosts = namesOf(host);
  const origin = (port: number) => `http://${host.includes(":") ? `[${host}]` : host}:${port}`;

  const household = createHousehold(context, fleet, (name) => {
    const open = doors.get(name);
    return open ? origin(open.port) : null;
  });
  const gate = createGate({ clock, passwords: household.passwords });
  const sessions = createSessions({ key: sessionKey(context), clock });
  const tickets = createTickets(clock);
  const site: SiteContext = { household, gate, sessions, tickets, encrypted: false };

  const app = createSite(site);
  addWakeRoutes(app, site);
  app.get("/", (c) => {
    const { owner, names } = visitorOf(c, site);
    if (!owner && names.length === 0) return c.redirect("/_sesta/login?next=%2F", 302);
    const workloads = household.list().filter(({ name }) => names.includes(name));
    return page(c, buildIndexPage({ project: household.project, workloads, owner, now: household.now() }));
  });
  app.notFound((c) => c.json({ message: "Log in first." }, 401));
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const main = createDoorServer({
    decide: (request) =>
      isKnownHost(request.host, hosts)
        ? request.upgrade
          ? { kind: "refuse", status: 401, body: '{"message":"Log in first."}', contentType: "application/json" }
          : { kind: "local" }
        : { kind: "refuse", status: 421, body: '{"message":"This address belongs to another host."}', contentType: "application/json" },
    local: (request, response) => void listener(request, response),
    clock,
    log,
  });

  const keptPort = state.findSetting("gateway_port");
  const port = await listenOn(main.listen, {
    what: "the gateway",
    host,
    fixed: context.project.gateway.port ?? (keptPort === undefined ? undefined : Number(keptPort)),
    first: firstPort,
    reserved: new Set(state.listPorts().values()),
  });
  state.setSetting("gateway_port", String(port));

  const openDoor = async (name: string): Promise<void> => {
    const placed = state.findWorkload(name);
    const wished = findWorkload(context.project, name)?.port ?? placed?.launch.door.port ?? state.listPorts().get(name);
    const open = doors.get(name);
    if (open && (wished === undefined || wished === open.port)) return;
    await open?.door.close();
    const door = createWorkloadDoor({ ...site, workload: name, hosts, clock, log });
    const reserved = new Set([port, ...state.listPorts().values()]);
    const bound = await listenOn(door.listen, { what: name, host, fixed: wished, first: firstPort + 1, reserved });
    doors.set(name, { door, port: bound });
    state.setPort(name, bound);
  };

  const openDoors = async (): Promise<void> => {
    const placed = new Set(state.listWorkloads().flatMap(({ name, placedAt }) => (placedAt === null ? [] : [name])));
    for (const [name, { door }] of doors) {
      if (placed.has(name)) continue;
      doors.delete(name);
      await door.close();
    }
    for (const name of placed) await openDoor(name);
  };

  const dropOldSessions = () => doors.forEach(({ door }) => door.dropOldSessions());
  const hello = (): GatewayHello => ({
    pid: world.pid,
    version,
    url: origin(port),
    doors: Object.fromEntries([...doors].map(([name, open]) => [name, origin(open.port)])),
  });

  // A project file that is broken while the gateway runs changes nothing: the last good one stays in force.
  const reload = async (): Promise<GatewayHello> => {
    try {
      context.project = await readProject(context);
    } catch (error) {
      log.warn("project file not taken over", { error: messageOf(error) });
    }
    await openDoors();
    dropOldSessions();
    fleet.nudge();
    return hello();
  };

  await openDoors();
  const following = fleet.follow();
  const watching = watchSecrets(context, log, stopping.signal, dropOldSessions, (names) => syncPasswords(context, names));

  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const stop = async (): Promise<void> => {
    stopping.abort();
    control.close();
    for (const { door } of doors.values()) await door.close();
    await main.close();
    await Promise.all([following, watching]);
    lock.close();
    end();
  };
  const handlers: { [M in keyof GatewayMethods]: (params: GatewayMethods[M]["params"]) => unknown } = {
    hello,
    reload,
    ticket: ({ workload }) => {
      const code = tickets.create({ owner: true });
      const open = workload === null ? undefined : doors.get(workload);
      const home = workload === null ? "/" : (household.find(workload)?.home ?? "/");
      const base = open ? origin(open.port) : origin(port);
      return { url: `${base}/_sesta/enter?code=${code}&next=${encodeURIComponent(home)}`, expiresInSeconds: 60 };
    },
    stop: () => {
      setImmediate(() => void stop());
      return null;
    },
  };
  const control = await serveControl(socketPath(folder, "gateway"), handlers as unknown as Record<string, Handler>);
  log.info("gateway ready", { url: origin(port), pid: world.pid });
  return { hello, ended, stop };
}

function holdGateway(folder: string) {
  try {
    return openDatabase(join(folder, "gateway.lock"), [], { exclusive: true });
  } catch (error) {
    if (!(error instanceof SestaError) || error.code !== "BUSY") throw error;
    throw new SestaError("GATEWAY_RUNNING", "The gateway of this project runs already", {
      hint: "See `sesta status`; `sesta down` ends it.",
    });
  }
}

function sessionKey({ state }: Context): Buffer {
  const kept = state.findSetting("session_key");
  if (kept !== undefined) return Buffer.from(kept, "base64");
  const key = randomBytes(32);
  state.setSetting("session_key", key.toString("base64"));
  return key;
}

/** Names under which browsers on this machine, or beyond it, may reach the gateway. */
function namesOf(host: string): ReadonlySet<string> {
  return new Set(["127.0.0.1", "localhost", "[::1]", host.includes(":") ? `[${host}]` : host]);
}
