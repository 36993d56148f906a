// What exists and in which state, asked of the machines themselves; no gateway is needed.
import type { ProjectStatus, Report, WorkloadStatus } from "../model/status.ts";
import type { WorkloadType } from "../model/words.ts";
import type { Context } from "./context.ts";
import { findGateway } from "./gateway.ts";
import { listOrphans } from "./plan.ts";

export async function getStatus(context: Context): Promise<ProjectStatus> {
  const { project, target } = context;
  const [gateway, hello] = await Promise.all([findGateway(context), target.agent.findHello()]);
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
        why: orphan ? `It is not in sesta.yaml any more: \`sesta down ${name}\` takes it away.` : whyOf(report, placed?.placedAt ?? null, name),
        saved_at: null,
        pid: report?.pid ?? null,
        agent_pid: report && hello ? hello.pid : null,
        ...(report?.state === "failed" && { log_tail: report.logTail }),
      };
    }),
  };
}

function whyOf(report: Report | undefined, placedAt: number | null, name: string): string {
  if (report) return report.why;
  return placedAt ? "The agent does not run; waking starts it." : `It is declared; \`sesta up ${name}\` brings it up.`;
}

function typeOf({ state }: Context, name: string): WorkloadType {
  return state.findWorkload(name)?.type ?? "lab";
}
