// The agent: supervises what runs on this machine and answers over its socket. It outlives whoever started it.
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { SestaError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { version } from "../base/version.ts";
import { serveControl, socketPath, type Handler, type Stream } from "../machine/control-socket.ts";
import type { Machine } from "../machine/machine.ts";
import { protocolVersion, type AgentEvent, type AgentMethods } from "../model/agent-protocol.ts";
import type { Launch } from "../model/launch.ts";
import { openAgentState, type Supervised } from "../state/agent-state.ts";
import { createBootLane } from "./boot-lane.ts";
import { createDomains } from "./domain/domains.ts";
import { findFreePort } from "./free-port.ts";
import { createProcessRunner } from "./process.ts";
import { createBackups } from "./backup/backups.ts";
import { buildBackupHandlers } from "./backup/handlers.ts";
import { register } from "./register.ts";
import { findMachineUse } from "./rest/find-use.ts";
import { letRest } from "./rest/let-rest.ts";
import { createMachineRest } from "./rest/machine-rest.ts";
import { compareBranch, joinBranch } from "./save/branches.ts";
import { restore } from "./save/restoring.ts";
import { createSaver } from "./save/saver.ts";
import { createReleaseFolders } from "./service/release-folder.ts";
import { Service, type ServiceContext } from "./service/service.ts";
import { Supervisor, type SupervisorContext } from "./supervisor.ts";
import { untilUnneeded } from "./unneeded.ts";

/** Starts that run side by side; more of them would only slow each other down. */
const boots = 4;

export type AgentContext = {
  home: string;
  machine: Machine;
  clock: Clock;
  log: Log;
  pid: number;
  env: Readonly<Record<string, string | undefined>>;
  /** The name of the file that it is run from, without its ending. */
  build: string;
  /** It may do without sudo what needs root. */
  isRoot: boolean;
  exit: () => void;
};

/** @throws SestaError BUSY when this machine's agent already runs */
export async function startAgent(agent: AgentContext): Promise<void> {
  const { home, machine, clock, log, pid, env, build, isRoot, exit } = agent;
  const state = openAgentState(join(home, "agent.db"));
  const watchers = new Set<(event: AgentEvent) => void>();
  const send = (event: AgentEvent) => {
    watchers.forEach((watcher) => watcher(event));
    if ("change" in event) rest.changed(event.change);
  };
  const runner = createProcessRunner(machine, clock, home);
  const leaving = new AbortController();
  const closed = new Map<string, Promise<void>>();
  const tellOf = (name: string) => {
    const found = supervisors.get(name);
    if (found instanceof Supervisor) found.tell();
  };
  const backups = createBackups({ machine, clock, log, home, changed: tellOf, signal: leaving.signal }, () =>
    state.list(),
  );
  const context: SupervisorContext = {
    backupReport: backups.report,
    clock,
    log,
    state,
    machine,
    runner,
    lane: createBootLane(boots),
    send,
    createSaver: (saved, tell) => {
      const saver = createSaver({ home, env, clock, log, after: closed.get(saved.name) }, saved, tell);
      closed.set(saved.name, saver.closed);
      return saver;
    },
  };
  const serviceContext: ServiceContext = {
    clock,
    log,
    state,
    runner,
    lane: createBootLane(boots),
    send,
    folders: createReleaseFolders(machine, home),
    domains: createDomains({ clock, log, machine, home }),
  };
  const create = (workload: Supervised): Supervisor | Service =>
    workload.launch.service ? new Service(serviceContext, workload) : new Supervisor(context, workload);
  const rest = createMachineRest({
    clock,
    log,
    wanted: () => state.list().find(({ places }) => places.rest)?.places.rest,
    reports: () => [...supervisors.values()].map((supervisor) => supervisor.report()),
    findUse: () => findMachineUse(machine),
    rest: (how) => letRest(machine, how, isRoot),
    remark: (name, what) => supervisors.get(name)?.remark(what),
    signal: leaving.signal,
  });
  const known = state.list();
  state.closeUses();
  const supervisors = new Map(known.map((workload) => [workload.name, create(workload)]));
  const starts = known.flatMap(({ start }) => (start ? [start.startId] : []));
  const engines = known.flatMap(({ name }) =>
    state.listReleases(name).flatMap(({ launch }) => engineOf(launch)),
  );
  await runner.sweep(new Set([...starts, ...state.listReplicaStarts()]), engines);
  for (const supervisor of supervisors.values()) await supervisor.adopt();
  void backups.keepMaking();

  const get = (name: string): Supervisor | Service => {
    const supervisor = supervisors.get(name);
    if (supervisor) return supervisor;
    throw new SestaError("NOT_UP", `The agent knows no workload ${name}`, {
      hint: `Run \`sesta up ${name}\`.`,
    });
  };
  const getLab = (name: string): Supervisor => {
    const found = get(name);
    if (found instanceof Supervisor) return found;
    throw new SestaError("UNSUPPORTED", `${name} is a service: it has no workspace to save`);
  };
  const getService = (name: string): Service => {
    const found = get(name);
    if (found instanceof Service) return found;
    throw new SestaError("UNSUPPORTED", `${name} is no service: it has no releases`);
  };
  const handlers: {
    [M in keyof AgentMethods]: (
      params: AgentMethods[M]["params"],
    ) => AgentMethods[M]["result"] | Promise<AgentMethods[M]["result"]>;
  } = {
    hello: () => ({ protocol: protocolVersion, version, pid, instance: state.instance, build }),
    list: () => [...supervisors.values()].map((supervisor) => supervisor.report()),
    environments: () =>
      state
        .list()
        .flatMap(({ name, places }) => [places, ...state.listReleases(name).map((one) => one.places)])
        .map(({ environment }) => environment),
    put: ({ launch, places }) => {
      const present = supervisors.get(launch.name);
      if (present) getLab(launch.name).replace(launch, places);
      else supervisors.set(launch.name, new Supervisor(context, register(context, launch, places)));
      const report = get(launch.name).report();
      send({ report });
      return report;
    },
    remove: async ({ name }) => {
      const supervisor = supervisors.get(name);
      if (supervisor && supervisor.state !== "asleep" && supervisor.state !== "failed") {
        throw new SestaError("BUSY", `${name} is ${supervisor.state}`, {
          hint: `Run \`sesta sleep ${name}\` first.`,
        });
      }
      supervisors.delete(name);
      if (supervisor instanceof Service) await supervisor.remove();
      else supervisor?.leave();
      state.delete(name);
      send({ removed: name });
      return null;
    },
    wake: (asked) => get(asked.name).wake(asked),
    sleep: ({ shut = false, ...asked }) => {
      const found = get(asked.name);
      return found instanceof Service ? found.sleep(asked, shut) : found.sleep(asked, "asked", shut);
    },
    use: ({ name, source, kind }) => {
      getLab(name).used(source, kind);
      return null;
    },
    hold: ({ forMs, reason, ...asked }) => get(asked.name).hold(asked, forMs, reason),
    token: ({ name, value }) => {
      const { workload } = getLab(name);
      if (workload.launch.backup) backups.setPassphrase(name, value);
      else getLab(name).saver.setToken(value);
      return null;
    },
    save: async ({ name, acceptDeletions }) => {
      const { saver } = getLab(name);
      await saver.save({ acceptDeletions, check: true }, leaving.signal);
      return saver.report();
    },
    compare: ({ name, onto }) => compareBranch(getLab(name).saver, onto, leaving.signal),
    onto: async ({ name, onto, tip }) => {
      const { saver } = getLab(name);
      await joinBranch(saver, onto, tip, leaving.signal);
      return saver.report();
    },
    restore: (asked) => restore(getLab(asked.name).saver, asked, leaving.signal),
    ...buildBackupHandlers(
      backups,
      (name) => getLab(name).workload,
      (name) => getLab(name).shutter.keep(),
    ),
    uses: ({ after, open }) => state.usesAfter(after, open),
    door: ({ name }) => {
      const found = get(name);
      return found instanceof Supervisor ? found.door() : null; // a service has a port of its own
    },
    deploy: ({ launch, places, release, why }) => {
      if (!supervisors.has(launch.name))
        supervisors.set(launch.name, new Service(serviceContext, register(serviceContext, launch, places)));
      return getService(launch.name).deploy(launch, places, release, why);
    },
    releases: ({ name }) => getService(name).releases(),
    rollback: ({ number, ...asked }) => getService(asked.name).rollback(asked, number),
    freePort: ({ host, from, reserved }) => findFreePort(host, from, reserved),
    changes: ({ after }) => state.changesAfter(after),
    stop: () => {
      leaving.abort();
      for (const supervisor of supervisors.values()) supervisor.leave();
      setImmediate(exit);
      return null;
    },
  };
  const watch: Stream = ({ after }: { after: number }, emit, closed) =>
    new Promise((resolve) => {
      for (const supervisor of supervisors.values()) emit({ report: supervisor.report() });
      for (const change of state.changesAfter(after)) emit({ change });
      watchers.add(emit);
      closed.addEventListener("abort", () => resolve(void watchers.delete(emit)), { once: true });
    });
  let asked = clock.monotonic();
  const control = await serveControl(
    socketPath(home, "agent"),
    handlers as unknown as Record<string, Handler>,
    { watch },
  );
  let connections = 0; // of watchers, and of questions that are being answered
  control.on("connection", (socket: Socket) => {
    connections += 1;
    socket.once("close", () => {
      connections -= 1;
      asked = clock.monotonic();
    });
  });
  const isNeeded = () => supervisors.size + connections > 0;
  const need = { clock, isNeeded, lastAsked: () => asked, signal: leaving.signal };
  untilUnneeded(need).then(exit, () => undefined);
  log.info("agent ready", { pid, workloads: supervisors.size });
}

function engineOf({ service }: Launch): (readonly string[])[] {
  return service?.container ? [service.container.engine] : [];
}
