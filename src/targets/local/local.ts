// The target `local`: workloads on the user's own machine, supervised by an agent in the project's state folder.
import { basename, join } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { connectAgent } from "../../machine/agent-connection.ts";
import type { Placed, Plan, Progress, Receipt } from "../../model/plan.ts";
import type { Report } from "../../model/status.ts";
import type { ProjectState } from "../../state/project-state.ts";
import type { Resource, Target } from "../target.ts";
import { buildAbsent } from "../absent.ts";
import type { Local, LocalContext } from "./context.ts";
import { destroyLocal } from "./destroy.ts";
import { listEnvironments } from "./environments.ts";
import { agentHome } from "./layout.ts";
import { placeLocal } from "./place.ts";
import { planLocal } from "./plan.ts";

export function createLocalTarget(context: LocalContext): Target {
  const { folders, clock, state } = context;
  const home = agentHome(folders);
  const agent = connectAgent({ home, command: context.agentCommand, env: context.agentEnv }, clock);
  const local = { ...context, agent };

  return {
    name: context.name,
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
    status: async (name) =>
      (await listReports(local)).find((report) => report.name === name) ?? buildAbsent(name, clock.now()),
    async list(): Promise<Resource[]> {
      const environments = (await listEnvironments(folders)).map((where): Resource => ({
        name: basename(where),
        kind: "environment",
        where,
      }));
      const workloads = (await listReports(local)).map(({ name }): Resource => ({
        name,
        kind: "workload",
        where: home,
      }));
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
    close: async () => undefined,
  };
}

/** What the agent says; one that died is brought back, since what it supervised may run on. */
async function listReports({ agent, state, name }: Local): Promise<Report[]> {
  if (state.listWorkloads().some(({ target }) => target === name)) await agent.ensure();
  else if (!(await agent.findHello())) return [];
  return agent.call("list", {});
}

function requirePlaced(state: ProjectState, name: string): void {
  if (state.findWorkload(name)?.placedAt) return;
  throw new SestaError("NOT_UP", `${name} is not up`, { hint: `Run \`sesta up ${name}\`.` });
}
