// The agent: supervises what runs on this machine and answers over its socket. It outlives whoever started it.
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { SestaError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { version } from "../base/version.ts";
import { serveControl, socketPath, type Handler, type Stream } from "../machine/control-socket.ts";
import type { Machine } from "../machine/machine.ts";
import { protocolVersion, type AgentEvent, type AgentMethods } from "../model/agent-protocol.ts";
import { openAgentState } from "../state/agent-state.ts";
import { createBootLane } from "./boot-lane.ts";
import { createProcessRunner } from "./process.ts";
import { findMachineUse } from "./rest/find-use.ts";
import { letRest } from "./rest/let-rest.ts";
import { createMachineRest } from "./rest/machine-rest.ts";
import { compareBranch, joinBranch } from "./save/branches.ts";
import { restore } from "./save/restoring.ts";
import { createSaver } from "./save/saver.ts";
import { Supervisor, type SupervisorContext } from "./supervisor.ts";

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
  const context: SupervisorContext = {
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
  const supervisors = new Map(known.map((workload) => [workload.name, new Supervisor(context, workload)]));
  await runner.sweep(new Set(known.flatMap(({ start }) => (start ? [start.startId] : []))));
  for (const supervisor of supervisors.values()) await supervisor.adopt();

  const get = (name: string): Supervisor => {
    const supervisor = supervisors.get(name);
    if (supervisor) return supervisor;
    throw new SestaError("NOT_UP", `The agent knows no workload ${name}`, {
      hint: `Run \`sesta up ${name}\`.`,
    });
  };
  const handlers: {
    [M in keyof AgentMethods]: (
      params: AgentMethods[M]["params"],
    ) => AgentMethods[M]["result"] | Promise<AgentMethods[M]["result"]>;
  } = {
    hello: () => ({ protocol: protocolVersion, version, pid, instance: state.instance, build }),
    list: () => [...supervisors.values()].map((supervisor) => supervisor.report()),
    put: ({ launch, places }) => {
      const present = supervisors.get(launch.name);
      if (present) present.replace(launch, places);
      else supervisors.set(launch.name, register(context, launch, places));
      const report = get(launch.name).report();
      send({ report });
      return report;
    },
    remove: ({ name }) => {
      const supervisor = supervisors.get(name);
      if (supervisor && supervisor.state !== "asleep" && supervisor.state !== "failed") {
        throw new SestaError("BUSY", `${name} is ${supervisor.state}`, {
          hint: `Run \`sesta sleep ${name}\` first.`,
        });
      }
      supervisor?.leave();
      supervisors.delete(name);
      state.delete(name);
      send({ removed: name });
      return null;
    },
    wake: (asked) => get(asked.name).wake(asked),
    sleep: (asked) => get(asked.name).sleep(asked),
    use: ({ name, source, kind }) => {
      get(name).used(source, kind);
      return null;
    },
    hold: ({ forMs, reason, ...asked }) => get(asked.name).hold(asked, forMs, reason),
    token: ({ name, value }) => {
      get(name).saver.setToken(value);
      return null;
    },
    save: async ({ name, acceptDeletions }) => {
      const { saver } = get(name);
      await saver.save({ acceptDeletions, check: true }, leaving.signal);
      return saver.report();
    },
    compare: ({ name, onto }) => compareBranch(get(name).saver, onto, leaving.signal),
    onto: async ({ name, onto, tip }) => {
      const { saver } = get(name);
      await joinBranch(saver, onto, tip, leaving.signal);
      return saver.report();
    },
    restore: (asked) => restore(get(asked.name).saver, asked, leaving.signal),
    uses: ({ after, open }) => state.usesAfter(after, open),
    door: ({ name }) => get(name).door(),
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
  await serveControl(socketPath(home, "agent"), handlers as unknown as Record<string, Handler>, { watch });
  log.info("agent ready", { pid, workloads: supervisors.size });
}

function register(
  context: SupervisorContext,
  ...[launch, places]: Parameters<Supervisor["replace"]>
): Supervisor {
  const since = context.clock.now();
  const workload = { name: launch.name, launch, places, start: null };
  const why = "It was brought up and waits to be woken.";
  context.state.change(
    { ...workload, state: "asleep", since, why },
    { at: since, workload: launch.name, from: "absent", to: "asleep", why, by: "owner" },
  );
  return new Supervisor(context, { ...workload, state: "asleep", since, why });
}
