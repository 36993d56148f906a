// The target `ssh`: workloads on a host that is reached over SSH, supervised by an agent in the user's home there.
import { join, resolve } from "node:path/posix";
import type { Clock } from "../../base/clock.ts";
import { openAgentConnection } from "../../machine/agent-connection.ts";
import { ensureNode, nodePath } from "../../machine/node.ts";
import type { SshAccess } from "../../machine/ssh/access.ts";
import type { Machine } from "../../machine/machine.ts";
import { createSshMachine } from "../../machine/ssh/ssh.ts";
import type { SshTargetSection } from "../../model/target-section.ts";
import type { ProjectState } from "../../state/project-state.ts";
import { logFile } from "../agent-host/layout.ts";
import { createAgentHostTarget } from "../agent-host/target.ts";
import type { ModelServerSource, ProgramSource, Target } from "../target.ts";
import { buildOf, createAgentWay } from "./agent-way.ts";
import { createDisk } from "./disk.ts";
import { createDoors } from "./doors.ts";
import { buildFolders, findHostPlace, type HostPlace } from "./host-place.ts";
import { readLogs } from "./logs.ts";
import { putModelServer } from "./model-server.ts";
import { putProgram } from "./put-program.ts";
import { reachHost } from "./reach.ts";

export type SshContext = {
  /** As the project file calls it. */
  name: string;
  section: SshTargetSection;
  /** Of the first host: a lab is on one machine. */
  access: SshAccess;
  /** The project's name: its folders on the host. */
  project: string;
  state: ProjectState;
  clock: Clock;
  /** The agent's program, as one file, and what Node is given before it. */
  loadAgent(): Promise<string>;
  agentFlags: readonly string[];
  modelServer: ModelServerSource;
  acmeClient: ProgramSource;
  /** Sends the packet that wakes a machine. */
  sendWake(mac: string): Promise<void>;
  signal: AbortSignal;
  /** In place of what `access` leads to. */
  machine?: Machine;
};

export function createSshTarget(context: SshContext): Target {
  const { name, section, access, project, state, clock, loadAgent, agentFlags, sendWake, signal } = context;
  const { modelServer, acmeClient } = context;
  const machine = context.machine ?? createSshMachine(access);
  let found: Promise<HostPlace> | undefined;
  const place = (): Promise<HostPlace> => {
    found ??= findHostPlace(machine, project);
    found.catch(() => (found = undefined));
    return found;
  };
  let loaded: Promise<string> | undefined;
  const load = () => (loaded ??= loadAgent());
  const agent = openAgentConnection(
    createAgentWay({ machine, place, load, flags: agentFlags, signal }),
    clock,
  );
  const doors = createDoors(machine, (workload) => agent.call("door", { name: workload }));
  const host = {
    name,
    title: access.host.name,
    price: "free, on your own machine",
    machine,
    disk: createDisk(machine),
    agent,
    build: async () => buildOf(await load()),
    folders: place,
    unseen: buildFolders("~", project),
    own: {
      what: "Node, for the agent",
      path: async () => nodePath((await place()).cache),
      make: async (detail: (text: string) => void) =>
        detail(await ensureNode({ machine, cacheFolder: (await place()).cache, signal }, detail)),
    },
    kind: {
      disk: "kept",
      sessions: true,
      ...(section.sleep !== "none" && { rest: section.sleep }),
    },
    shared: true,
    state,
    clock,
    signal,
  } as const;
  const reach = () => reachHost({ machine, clock, signal, mac: section.wake?.mac, sendWake });

  return createAgentHostTarget(host, {
    remote: true,
    async rouse() {
      await reach();
      await agent.ensure();
    },
    reach,
    acmeClient: async (detail) => {
      const { cache } = await place();
      const node = await ensureNode({ machine, cacheFolder: cache, signal }, detail);
      return [node, await putProgram(machine, acmeClient, join(cache, "acme"), detail)];
    },
    modelServer: async (detail) => {
      const { cache } = await place();
      const node = await ensureNode({ machine, cacheFolder: cache, signal }, detail);
      return putModelServer(machine, modelServer, { cache, node, signal }, detail);
    },
    door: doors.find,
    logs: async function* (workload, options) {
      yield* readLogs(machine, logFile(await place(), workload), options, { clock, signal });
    },
    resolvePath: async (path) => resolve((await place()).project, path),
    async close() {
      await machine.close();
    },
  });
}
