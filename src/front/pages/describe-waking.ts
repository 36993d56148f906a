// What the waking page says about a workload; the server and the page's script both ask this.
import type { WorkloadView } from "../../model/view.ts";
import type { State } from "../../model/words.ts";
import { cleanLog, cleanText } from "./clean-text.ts";
import { describeFacts, type FactsText } from "./describe-facts.ts";
import { describeNotice, type NoticeText } from "./describe-notice.ts";
import { describeEstimate, describeWait } from "./duration-text.ts";

/** An empty string is a part that is not shown. */
export type WakingText = {
  state: State;
  headline: string;
  lead: string;
  phase: string;
  /** null: something goes on, how far is unknown; "none": nothing to show. */
  progress: number | null | "none";
  timing: string;
  facts: FactsText;
  notice: NoticeText;
  log: string;
  /** Label of the button that wakes it. */
  button: string;
  /** What to type where no button can help. */
  command: string;
};

/** @param now wall time; without one nothing is said about time */
export function describeWaking(view: WorkloadView, now: number | undefined): WakingText {
  const title = cleanText(view.title) || cleanText(view.name);
  const busy = view.state === "waking" || view.state === "sleeping";
  return {
    state: view.state,
    headline: headlines[view.state](title),
    lead: cleanText(view.why),
    phase: busy ? cleanText(view.phase ?? "") : "",
    progress: busy ? known(view) : "none",
    timing: view.state === "waking" ? describeTiming(view, now) : "",
    facts: describeFacts(view, now),
    notice: describeNotice(view, now),
    log: view.state === "failed" ? cleanLog(view.logTail) : "",
    button: buttons[view.state],
    command: view.state === "absent" ? `sesta up ${cleanText(view.name)}` : "",
  };
}

const headlines: Record<State, (title: string) => string> = {
  waking: (title) => `Waking ${title}`,
  awake: (title) => `${title} is awake`,
  asleep: (title) => `${title} is asleep`,
  sleeping: (title) => `${title} is going to sleep`,
  failed: (title) => `${title} did not start`,
  absent: (title) => `${title} is not set up yet`,
};

const buttons: Record<State, string> = {
  waking: "",
  awake: "",
  asleep: "Wake",
  sleeping: "Wake",
  failed: "Try again",
  absent: "",
};

function known(view: WorkloadView): number | null {
  if (view.state !== "waking" || view.progress === null || !Number.isFinite(view.progress)) return null;
  return Math.min(1, Math.max(0, view.progress));
}

function describeTiming(view: WorkloadView, now: number | undefined): string {
  const parts = [];
  if (now !== undefined) parts.push(`${describeWait(now - view.since)} so far`);
  if (view.etaSeconds !== null) {
    parts.push(view.etaSeconds > 0 ? `${describeEstimate(view.etaSeconds)} left` : "longer than usual");
  }
  return parts.join(", ");
}
