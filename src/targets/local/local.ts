// The target `local`: workloads on the user's own machine, supervised by an agent in the project's state folder.
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { SestaError } from "../../base/errors.ts";
import { connectAgent, type AgentPlace } from "../../machine/agent-connection.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Placed, Plan, Progress, Receipt } from "../../model/plan.ts";
import type { Report } from "../../model/status.ts";
import type { ProjectState } from "../../state/project-state.ts";
import type { Resource, Target } from "../target.ts";
import { destroyLocal } from "./destroy.ts";
import { agentHome, environmentsFolder, type LocalFolders } from "./layout.ts";
import { placeLocal } from "./place.ts";
import { planLocal } from "./plan.ts";
import { listFolders } from "./folders.ts";

export type LocalContext = {
  folders: LocalFolders;
  machine: Machine;
  state: ProjectState;
  clock: Clock;
  /** Where Sesta keeps what projects share: an installed uv. */
  cacheFolder: string;
  agentCommand: AgentPlace["command"];
  /** The environment of the agent and so of everything it starts, without the project's secrets. */
  agentEnv: NodeJS.ProcessEnv;
  /** Ends long work when the user does. */
  signal: AbortSignal;
};

export function createLocalTarget(context: LocalContext): Target {
  const { folders, clock, state } = context;
  const home = agentHome(folders);
  const agent = connectAgent({ home, command: context.agentCommand, env: context.agentEnv }, clock);
  const local = { ...context, agent };

  return {
    agent,
    plan: (name, wanted) => planLocal(local, name, wanted),
    async apply(plan: Plan, on: Progress): Promise<Placed | Receipt> {
      if ((await planLocal(local, plan.name, plan.wanted)).basis !== plan.basis) {
        throw new SestaError("STALE_PLAN", `${plan.name} has changed since the plan was made`, {
          hint: "Run the command again and look at the new plan.",
        });
      }
      return plan.wanted ? placeLocal(local, plan, plan.wanted, on) : destroyLocal(local, plan, on);
    },
    status: async (name) => (await listReports(local)).find((report) => report.name === name) ?? absent(name, clock),
    async list(): Promise<Resource[]> {
      const environments = (await listFolders(environmentsFolder(folders))).map(
        (where): Resource => ({ name: where, kind: "environment", where: join(environmentsFolder(folders), where) }),
      );
      const workloads = (await listReports(local)).map(
        ({ name }): Resource => ({ name, kind: "workload", where: home }),
      );
      return [...workloads, ...environments];
    },
    async wake(name, why, by) {
      requirePlaced(state, name);
      await agent.ensure();
      return agent.call("wake", { name, why, by });
    },
    async sleep(name, why, by) {
      requirePlaced(state, name);
      await agent.ensure();
      return agent.call("sleep", { name, why, by });
    },
    logFile: (name) => join(home, "logs", `${name}.log`),
  };
}

export type Local = LocalContext & { agent: Target["agent"] };

/** What the agent says; nothing when it does not run. */
async function listReports({ agent }: Local): Promise<Report[]> {
  return (await agent.findHello()) ? agent.call("list", {}) : [];
}

function requirePlaced(state: ProjectState, name: string): void {
  if (state.findWorkload(name)?.placedAt) return;
  throw new SestaError("NOT_UP", `${name} is not up`, { hint: `Run \`sesta up ${name}\`.` });
}

export function absent(name: string, clock: Clock): Report {
  return {
    name,
    state: "absent",
    since: clock.now(),
    why: "It has not been brought up.",
    pid: null,
    phase: null,
    progress: null,
    lastUse: null,
    sleepsAt: null,
    logTail: [],
  };
}
