// The target `local`: workloads on the user's own machine, supervised by an agent in the project's state folder.
import { resolve } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { connectAgent, type AgentPlace } from "../../machine/local-agent.ts";
import type { Machine } from "../../machine/machine.ts";
import type { ProjectState } from "../../state/project-state.ts";
import { agentHome, logFile } from "../agent-host/layout.ts";
import { createAgentHostTarget } from "../agent-host/target.ts";
import { requireRuntime } from "../model-runtime.ts";
import type { ModelServerSource, ProgramSource, Target } from "../target.ts";
import { localDisk } from "./disk.ts";
import { readLogs } from "./logs.ts";

export type LocalContext = {
  /** As the project file calls it. */
  name: string;
  folders: { project: string; sesta: string };
  machine: Machine;
  state: ProjectState;
  clock: Clock;
  /** Where Sesta keeps what projects share: an installed uv. */
  cacheFolder: string;
  agentCommand: AgentPlace["command"];
  modelServer: ModelServerSource;
  acmeClient: ProgramSource;
  /** The environment of the agent and so of everything it starts, without the project's secrets. */
  agentEnv: NodeJS.ProcessEnv;
  /** Ends long work when the user does. */
  signal: AbortSignal;
};

export function createLocalTarget(context: LocalContext): Target {
  const { name, folders, machine, state, clock, cacheFolder, agentCommand, agentEnv, signal } = context;
  const { modelServer, acmeClient } = context;
  const agent = connectAgent({ home: agentHome(folders), command: agentCommand, env: agentEnv }, clock);
  const host = {
    name,
    title: "this machine",
    price: "free, on this machine",
    machine,
    disk: localDisk,
    agent,
    folders: async () => ({ ...folders, cache: cacheFolder, disk: folders.project }),
    kind: { disk: "kept", sessions: false },
    shared: false,
    state,
    clock,
    signal,
  } as const;
  return createAgentHostTarget(host, {
    remote: false,
    resolvePath: async (path, from) => resolve(from, path),
    rouse: async () => void (await agent.ensure()),
    acmeClient: async () => [acmeClient.node, acmeClient.program],
    modelServer: async () => {
      requireRuntime(modelServer);
      return { node: modelServer.node, program: modelServer.program };
    },
    door: (workload) => agent.call("door", { name: workload }),
    logs: (workload, options) => readLogs(logFile(folders, workload), options, { clock, signal }),
    close: async () => undefined,
  });
}
