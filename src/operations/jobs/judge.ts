// From what the files of a run say to the state it is in, and why. Pure.
import type { RunFacts } from "../../machine/runs/contact.ts";
import { formatDuration } from "../../model/duration.ts";
import { isOver, type Run, type RunNode, type RunState } from "../../model/run.ts";
import { formatSize } from "../../model/size.ts";

/**
 * The command that brings a run to its machines: it still may, it died before it had, or it has let go of the run. "left"
 * is one that died, and nobody will take its run up again, because a newer one of the job is there.
 */
export type Submitter = "alive" | "dead" | "left" | "none";

/** What is known of a node after its machine was asked. */
export function judgeNode(
  node: RunNode,
  facts: RunFacts,
  settings: Run["settings"],
  submitter: Submitter,
): RunNode {
  if (isOver(node.state)) return node;
  if (facts.gone) return judgeGone(node, submitter);
  const { ended, startedS, peakKb, place, attempts } = facts;
  const known: RunNode = {
    ...node,
    place,
    attempts,
    startedAt: startedS === null ? null : startedS * 1000,
    peakBytes: peakKb === null || peakKb === 0 ? node.peakBytes : peakKb * 1024,
  };
  if (ended) return { ...known, place: null, ...judgeEnd(known, ended, settings) };
  if (facts.isProgramAlive || startedS !== null) return { ...known, state: "running", why: null };
  if (place !== null)
    return { ...known, state: "queued", why: `It is number ${place} in the line of ${node.machine}.` };
  if (facts.isReady) return { ...known, state: "queued", why: "It waits for the other machines." };
  return { ...known, state: "starting", why: null };
}

function judgeGone(node: RunNode, submitter: Submitter): RunNode {
  if (node.folder !== null && (node.state !== "starting" || submitter === "none"))
    return { ...node, state: "lost", why: `Its folder is not on ${node.machine} any more.` };
  if (submitter === "alive") return { ...node, why: "Its machine is being set up." };
  if (submitter === "left") return { ...node, state: "failed", why: "Its command ended before it began." };
  return { ...node, why: "It was not submitted: the same command again goes on with it." };
}

/** 128 and SIGKILL, as a shell tells of it. */
const killedCode = 137;

type Ended = NonNullable<RunFacts["ended"]>;

function judgeEnd(
  node: RunNode,
  { code, reason, atS, limitKb }: Ended,
  settings: Run["settings"],
): Partial<RunNode> {
  const limitBytes = limitKb === null ? null : limitKb * 1024;
  const end = { endedAt: atS * 1000, limitBytes, exitCode: code };
  const failed = (why: string | null) => ({ ...end, state: "failed" as const, why });
  switch (reason) {
    case "exit":
      if (code === 0) return { ...end, state: "succeeded", why: null };
      return failed(
        code === killedCode ? "It was killed (SIGKILL); the system does that when memory runs out." : null,
      );
    case "signal":
      return failed(
        "It was killed by a signal that nobody here sent; the system does that when memory runs out.",
      );
    case "oom":
      return failed(describeOom(node, limitBytes));
    case "timeout":
      return failed(`It took longer than its timeout of ${formatDuration(settings.timeoutMs ?? 0)}.`);
    case "rendezvous":
      return { ...failed("Not all machines came together in time."), exitCode: null };
    case "reboot":
      return { ...end, exitCode: null, state: "lost", why: `${node.machine} was restarted while it ran.` };
    case "format":
      return {
        ...end,
        exitCode: null,
        state: "lost",
        why: "Another version of Sesta began it, and its scripts are gone.",
      };
    case "links":
      return { ...failed(`Its home folder on ${node.machine} makes no hard links.`), exitCode: null };
    case "partial":
      return { ...end, exitCode: null, state: "lost", why: `Its folder on ${node.machine} was never whole.` };
    case "killed":
      return {
        ...end,
        exitCode: null,
        state: "lost",
        why: "It was ended from outside, together with what watched it.",
      };
    case "peer":
      return { ...end, state: "stopped", why: "Another machine of the run failed." };
    default:
      return { ...end, state: "stopped", why: "It was stopped." };
  }
}

function describeOom({ peakBytes }: RunNode, limitBytes: number | null): string {
  const limit = limitBytes === null ? "" : ` of ${formatSize(limitBytes)}`;
  const peak = peakBytes === null ? "" : `; it had used up to ${formatSize(peakBytes)}`;
  return `OOM: it ran out of its memory${limit}${peak}.`;
}

/** Of all nodes together. */
export function judgeRun(run: Run): Run {
  const { nodes } = run;
  const [only] = nodes;
  const state = combine(nodes.map((node) => node.state));
  const told = nodes.find((node) => node.state === state && node.why !== null);
  const where = nodes.length > 1 && told ? `rank ${nodes.indexOf(told)} on ${told.machine}: ` : "";
  const starts = nodes.flatMap(({ startedAt }) => startedAt ?? []);
  const ends = nodes.flatMap(({ endedAt }) => endedAt ?? []);
  const peaks = nodes.flatMap(({ peakBytes }) => peakBytes ?? []);
  const failed = nodes.find((node) => node.state === "failed");
  return {
    ...run,
    state,
    why: findMissingRank(run) ?? (told?.why == null ? nameFailed(nodes) : `${where}${told.why}`),
    startedAt: starts.length === 0 ? null : Math.min(...starts),
    endedAt: isOver(state) && ends.length > 0 ? Math.max(...ends) : null,
    exitCode:
      nodes.length === 1
        ? (only?.exitCode ?? null)
        : (failed?.exitCode ?? (state === "succeeded" ? 0 : null)),
    peakBytes: peaks.length === 0 ? null : Math.max(...peaks),
  };
}

/** Of several, the one that ended with a code of its own. */
function nameFailed(nodes: readonly RunNode[]): string | null {
  const rank = nodes.findIndex(({ state, why }) => state === "failed" && why === null);
  const node = nodes[rank];
  if (nodes.length < 2 || !node) return null;
  return `rank ${rank} on ${node.machine} ended with exit code ${node.exitCode ?? "unknown"}.`;
}

/** The machine that kept the others waiting until they gave up. */
function findMissingRank({ nodes, settings, why }: Run): string | null {
  if (why?.includes(" did not come within ")) return why; // what showed it may have ended since
  if (nodes.length < 2 || !nodes.some((node) => node.why?.startsWith("Not all machines"))) return null;
  const name = (isMissing: (node: RunNode) => boolean) =>
    nodes.flatMap((node, rank) =>
      node.startedAt === null && isMissing(node) ? [`rank ${rank} on ${node.machine}`] : [],
    );
  const late = name(({ place, state }) => place !== null || state === "starting");
  // Or it came between then and now.
  const missing = late.length > 0 ? late : name(({ state }) => !isOver(state));
  const who = missing.length === 0 ? "a machine" : missing.join(" and ");
  return `${who} did not come within ${formatDuration(settings.rendezvousMs)}.`;
}

function combine(states: readonly RunState[]): RunState {
  const has = (state: RunState) => states.includes(state);
  if (states.every(isOver)) {
    return (["failed", "lost", "stopped"] as const).find(has) ?? "succeeded";
  }
  if (has("running") || states.some((state) => state === "succeeded")) return "running";
  return has("queued") ? "queued" : has("starting") ? "starting" : "running";
}
