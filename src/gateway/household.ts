// The project's workloads as its front doors see them: what is declared, what is placed, and what the agent reports.
import type { Household } from "../front/household.ts";
import { estimateWake } from "../front/wake-estimate.ts";
import type { Launch } from "../model/launch.ts";
import { findFronted, listFronted } from "../model/project.ts";
import { digestRunToken } from "../model/run-token.ts";
import type { WorkloadView } from "../model/view.ts";
import type { Context } from "../operations/context.ts";
import { findServiceUrl } from "../operations/services/url.ts";
import type { Fleet } from "./fleet.ts";
import type { Kept } from "./kept.ts";
import { buildSavedView } from "./saved-view.ts";

const labTitle = "Jupyter Lab";

/** @param urlOf the origin of a workload's open door */
export function createHousehold(
  context: Context,
  kept: Kept,
  fleet: Fleet,
  urlOf: (name: string) => string | null,
): Household {
  const { state, world } = context;
  const { clock } = world;
  const earlier = (name: string) => state.wakeDurationsMs(name, 10).toReversed();

  const view = (name: string): WorkloadView | undefined => {
    const placed = kept.placed().get(name);
    const section = findFronted(context.project, name);
    if (!placed && !section) return undefined;
    const report = placed?.placedAt ? fleet.find(name) : undefined;
    const elapsedMs = report?.state === "waking" ? clock.now() - report.since : undefined;
    const earlierMs = earlier(name);
    const expectedMs = earlierMs.at(-1);
    return {
      name,
      type: placed?.type ?? section?.type ?? "lab",
      title: placed?.launch.title ?? (section?.type === "tracker" ? "MLflow" : labTitle),
      state: report?.state ?? (placed?.placedAt ? "asleep" : "absent"),
      since: report?.since ?? placed?.placedAt ?? clock.now(),
      why: report?.why ?? (placed?.placedAt ? "It waits to be woken." : `\`sesta up ${name}\` brings it up.`),
      phase: report?.phase ?? null,
      progress: progressOf(report?.progress ?? null, elapsedMs, expectedMs),
      etaSeconds: elapsedMs === undefined ? null : estimateWake(earlierMs, elapsedMs).etaSeconds,
      sleepsAt: report?.sleepsAt ?? null,
      announced: report?.announced ?? false,
      hold: report?.hold ?? null,
      lastUse: report?.lastUse ?? null,
      saved: buildSavedView(report?.save ?? null),
      ...idleOf(placed?.launch),
      logTail: report?.state === "failed" ? report.logTail : [],
      url: report?.service ? findServiceUrl(context, name, report.service.port) : urlOf(name),
      home: placed?.launch.door.home ?? "/",
    };
  };

  const names = () =>
    new Set([...listFronted(context.project).map(({ name }) => name), ...kept.placed().keys()]);
  return {
    project: context.project.name,
    list: () => [...names()].map(view).filter((one) => one !== undefined),
    find: view,
    address: (name) => fleet.address(name),
    secretOf: (name) =>
      (kept.placed().get(name)?.launch.door ?? findFronted(context.project, name))?.password,
    passwords: kept.passwords,
    admitsPrograms: (name) => kept.placed().get(name)?.launch.door.programs === true,
    hasRunToken: (name, token) => kept.runTokens().get(digestRunToken(token)) === name,
    earlierWakesMs: earlier,
    wake: fleet.wake,
    sleep: fleet.sleep,
    keepAwake: (name, source, by) => fleet.keepAwake(name, source, by),
    used: fleet.used,
    onChange: fleet.onChange,
    now: clock.now,
  };
}

function idleOf(launch: Launch | undefined): { idleMs?: number | null } {
  return launch ? { idleMs: launch.idle.idleMs } : {};
}

/** What really happened, or how far earlier wakes were by this time: the greater of the two. */
function progressOf(reported: number | null, elapsedMs?: number, expectedMs?: number): number | null {
  if (elapsedMs === undefined || expectedMs === undefined || expectedMs <= 0) return reported;
  return Math.max(reported ?? 0, Math.min(0.95, elapsedMs / expectedMs));
}
