// A target that is one machine with an agent.
import { basename } from "node:path/posix";
import { SestaError } from "../../base/errors.ts";
import type { Placed, Plan, Progress, Receipt } from "../../model/plan.ts";
import type { Report } from "../../model/status.ts";
import type { ProjectState } from "../../state/project-state.ts";
import { buildAbsent } from "../absent.ts";
import type { Resource, Target } from "../target.ts";
import type { AgentHost } from "./agent-host.ts";
import { destroyWorkload } from "./destroy.ts";
import { listEnvironments } from "./environments.ts";
import { forgetWorkload, planForget } from "./forget.ts";
import { agentHome, keepFolder, placesOf, releaseTree } from "./layout.ts";
import { placeWorkload } from "./place.ts";
import { planWorkload } from "./plan.ts";
import { releaseService } from "./release.ts";

/** What is left to each kind of machine. */
export type OwnParts = Omit<
  Target,
  | "name"
  | "agent"
  | "plan"
  | "planForget"
  | "apply"
  | "release"
  | "status"
  | "inside"
  | "list"
  | "wake"
  | "sleep"
>;

export function createAgentHostTarget(host: AgentHost, own: OwnParts): Target {
  const { name: target, agent, clock, state, unseen } = host;
  return {
    ...own,
    name: target,
    agent,
    plan: (name, wanted) => planWorkload(host, name, wanted),
    ...(unseen && { planForget: async (name: string) => planForget(host, unseen, name) }),
    async apply(plan: Plan, on: Progress): Promise<Placed | Receipt> {
      const forgets = plan.action === "forget" ? unseen : undefined;
      const now = forgets
        ? planForget(host, forgets, plan.name)
        : await planWorkload(host, plan.name, plan.wanted);
      if (now.basis !== plan.basis) {
        throw new SestaError("STALE_PLAN", `${plan.name} has changed since the plan was made`, {
          hint: "Run the command again and look at the new plan.",
        });
      }
      if (forgets) return forgetWorkload(host, forgets, plan, on);
      return plan.wanted ? placeWorkload(host, plan, plan.wanted, on) : destroyWorkload(host, plan, on);
    },
    release: (launch, order, on) => releaseService(host, launch, order, on),
    status: async (name) =>
      (await listReports(host)).find((report) => report.name === name) ?? buildAbsent(name, clock.now()),
    async list(): Promise<Resource[]> {
      const environments = (await listEnvironments(host)).map((where): Resource => ({
        name: basename(where),
        kind: "environment",
        where,
      }));
      const home = agentHome(await host.folders());
      const workloads = (await listReports(host)).map(({ name }): Resource => ({
        name,
        kind: "workload",
        where: home,
      }));
      return [...workloads, ...environments];
    },
    async inside(name) {
      requirePlaced(state, name);
      const placed = state.findWorkload(name);
      if (!placed) throw new Error(`${name} is not there`);
      const folders = await host.folders();
      const places = { ...placesOf(folders, placed.launch), keep: keepFolder(folders, name) };
      if (!placed.launch.service) return { machine: host.machine, ...places };
      const service = (await listReports(host)).find((report) => report.name === name)?.service;
      const live = service?.release;
      if (typeof live !== "number") throw notLive(name);
      const inside = { machine: host.machine, ...places, workspace: releaseTree(folders, name, live) };
      if (!placed.launch.service.container) return inside;
      const up = service?.replicas.find(({ release, state }) => release === live && state === "up");
      return { ...inside, container: up?.container ?? null };
    },
    async wake(name, why, by) {
      requirePlaced(state, name);
      await own.rouse();
      return agent.call("wake", { name, why, by });
    },
    async sleep(name, why, by) {
      requirePlaced(state, name);
      await agent.ensure();
      return agent.call("sleep", { name, why, by });
    },
  };
}

/** What the agent says; one that died is brought back, since what it supervised may run on. */
async function listReports({ agent, state, name }: AgentHost): Promise<Report[]> {
  if (state.listWorkloads().some(({ target }) => target === name)) await agent.ensure();
  else if (!(await agent.findHello())) return [];
  return agent.call("list", {});
}

function notLive(name: string): SestaError {
  return new SestaError("NOT_UP", `${name} has no release that is live`, {
    hint: `Run \`sesta deploy ${name}\`.`,
  });
}

function requirePlaced(state: ProjectState, name: string): void {
  if (state.findWorkload(name)?.placedAt) return;
  throw new SestaError("NOT_UP", `${name} is not up`, { hint: `Run \`sesta up ${name}\`.` });
}
