// What exists and in which state, asked of the machines themselves; no gateway is needed.
import { messageOf } from "../base/errors.ts";
import type { Hello } from "../model/agent-protocol.ts";
import type { ProjectStatus, Report, WorkloadStatus } from "../model/status.ts";
import type { WorkloadType } from "../model/words.ts";
import type { Context } from "./context.ts";
import { findGateway } from "./gateway.ts";
import { listOrphans } from "./plan.ts";
import { buildSaveStatus, isoOf } from "./save-words.ts";

export async function getStatus(context: Context): Promise<ProjectStatus> {
  const { project, target } = context;
  const [gateway, { hello, problem }] = await Promise.all([findGateway(context), findAgent(context)]);
  const reports = hello ? await target.agent.call("list", {}) : [];
  const declared = Object.values(project.workloads).map(({ name, type, target: on }) => ({ name, type, on }));
  const orphaned = listOrphans(context).map((name) => ({ name, type: typeOf(context, name), on: "local" }));
  return {
    project: project.name,
    gateway: { url: gateway?.url ?? null, pid: gateway?.pid ?? null },
    workloads: [...declared, ...orphaned].map(({ name, type, on }): WorkloadStatus => {
      const report = reports.find((one) => one.name === name);
      const placed = context.state.findWorkload(name);
      const orphan = orphaned.some((one) => one.name === name);
      return {
        name,
        type,
        target: on,
        state: report?.state ?? (placed?.placedAt ? "asleep" : "absent"),
        url: gateway?.doors[name] ?? null,
        since: report ? new Date(report.since).toISOString() : null,
        why: orphan
          ? `It is not in sesta.yaml any more: \`sesta down ${name}\` takes it away.`
          : whyOf(report, placed?.placedAt ?? null, name, problem),
        saved_at: isoOf(report?.save?.savedAt),
        ...(report?.save && { save: buildSaveStatus(report.save) }),
        ...(report?.state === "awake" && describeUse(report)),
        pid: report?.pid ?? null,
        agent_pid: report && hello ? hello.pid : null,
        ...(report?.state === "failed" && { log_tail: report.logTail }),
      };
    }),
  };
}

function describeUse({ lastUse, sleepsAt, hold }: Report) {
  return {
    last_use: lastUse && { at: new Date(lastUse.at).toISOString(), source: lastUse.source },
    sleeps_at: isoOf(sleepsAt),
    held_until: isoOf(hold?.until),
  };
}

/** One that died is brought back: what it supervised may run on, and only it can tell. */
async function findAgent({
  target,
  state,
}: Context): Promise<{ hello?: Hello | undefined; problem?: string }> {
  if (state.listWorkloads().length === 0) return { hello: await target.agent.findHello() };
  return target.agent.ensure().then(
    (hello) => ({ hello }),
    (error: unknown) => ({ problem: messageOf(error) }),
  );
}

function whyOf(
  report: Report | undefined,
  placedAt: number | null,
  name: string,
  problem: string | undefined,
): string {
  if (report) return report.why;
  if (problem !== undefined) return `Nothing is known of it: ${problem}`;
  return placedAt
    ? `The agent does not know it: run \`sesta up ${name}\`.`
    : `It is declared; \`sesta up ${name}\` brings it up.`;
}

function typeOf({ state }: Context, name: string): WorkloadType {
  return state.findWorkload(name)?.type ?? "lab";
}
