// What exists and in which state, asked of the machines themselves; no gateway is needed.
import { messageOf } from "../base/errors.ts";
import type { Hello } from "../model/agent-protocol.ts";
import type { ProjectStatus, Report, WorkloadStatus } from "../model/status.ts";
import type { State, WorkloadType } from "../model/words.ts";
import type { Target } from "../targets/target.ts";
import type { Context } from "./context.ts";
import { findGateway } from "./gateway.ts";
import { listJobStatus } from "./jobs/job-status.ts";
import { listOrphans } from "./plan.ts";
import { buildBackupStatus } from "./backups/backup-status.ts";
import { buildCertificateStatus } from "./services/await-certificate.ts";
import { buildSaveStatus, isoOf } from "./save-words.ts";
import { findServiceUrl } from "./services/url.ts";
import { listOn } from "./targets.ts";

/** Of all agents, however far. */
const longestMs = 15_000;

export async function getStatus(context: Context): Promise<ProjectStatus> {
  const { project } = context;
  const [gateway, answers, jobs] = await Promise.all([
    findGateway(context),
    askAgents(context),
    listJobStatus(context),
  ]);
  const declared = Object.values(project.workloads).map(({ name, type, target: on }) => ({ name, type, on }));
  const orphaned = listOrphans(context).map((name) => ({ name, type: typeOf(context, name), on: "" }));
  return {
    project: project.name,
    gateway: { url: gateway?.url ?? null, pid: gateway?.pid ?? null },
    workloads: [...declared, ...orphaned].map(({ name, type, on }): WorkloadStatus => {
      const job = jobs.find((one) => one.name === name);
      if (job) return job;
      const placed = context.state.findWorkload(name);
      const target = placed?.target ?? on;
      const { hello, reports = [], problem } = answers.get(target) ?? {};
      const report = reports.find((one) => one.name === name);
      const orphan = orphaned.some((one) => one.name === name);
      return {
        name,
        type,
        target,
        state: report?.state ?? guessState(context, name, problem !== undefined),
        url: report?.service
          ? findServiceUrl(context, name, report.service.port)
          : (gateway?.doors[name] ?? null),
        since: report ? new Date(report.since).toISOString() : null,
        why: orphan
          ? `It is not in sesta.yaml any more: \`sesta down ${name}\` takes it away.`
          : whyOf(report, placed?.placedAt ?? null, name, problem),
        saved_at: isoOf(report?.save?.savedAt),
        ...(report?.save && { save: buildSaveStatus(report.save) }),
        ...(report?.state === "awake" && describeUse(report)),
        pid: report?.pid ?? null,
        agent_pid: report && hello ? hello.pid : null,
        ...(report?.service && { release: report.service.release, replicas: report.service.replicas }),
        ...buildCertificateStatus(report?.service?.certificate),
        ...buildBackupStatus(report?.backup),
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

type Answer = { hello?: Hello | undefined; reports?: Report[]; problem?: string };

/** By target. One that cannot be reached holds up none of the others, and nothing for longer than its time. */
async function askAgents({ targets, state, world: { clock } }: Context): Promise<Map<string, Answer>> {
  const over = new AbortController();
  const late = (name: string): Promise<Answer> =>
    clock.sleep(longestMs, over.signal).then(
      () => ({ problem: `${name} cannot be reached: no answer within ${longestMs / 1_000} s` }),
      () => ({}),
    );
  const asked = targets.inUse().map(async (target): Promise<[string, Answer]> => {
    const answer = askAgent(target, listOn(state, target.name).length > 0).catch((error: unknown) => ({
      problem: messageOf(error),
    }));
    return [target.name, await Promise.race([answer, late(target.name)])];
  });
  const answers = new Map(await Promise.all(asked));
  over.abort();
  return answers;
}

/** One that died is brought back: what it supervised may run on, and only it can tell. */
async function askAgent({ agent }: Target, isNeeded: boolean): Promise<Answer> {
  const hello = await (isNeeded ? agent.ensure() : agent.findHello());
  return hello ? { hello, reports: await agent.call("list", {}) } : {};
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

/** Without its agent's word. What was awake when it was last heard of is not said to sleep. */
function guessState({ state }: Context, name: string, isUnknown: boolean): State {
  if (!state.findWorkload(name)?.placedAt) return "absent";
  const last = isUnknown ? state.listChanges(name).at(-1)?.to : undefined;
  return last === undefined || last === "asleep" || last === "absent" ? "asleep" : "failed";
}

function typeOf({ state }: Context, name: string): WorkloadType {
  return state.findWorkload(name)?.type ?? "job";
}
