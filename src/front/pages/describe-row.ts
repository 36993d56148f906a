// What the index page says about one workload; the server and the page's script both ask this.
import type { WorkloadView } from "../../model/view.ts";
import type { State } from "../../model/words.ts";
import { cleanLog, cleanText } from "./clean-text.ts";
import { describeFacts, type FactsText } from "./describe-facts.ts";
import { describeNotice, type NoticeText } from "./describe-notice.ts";
import { describeSpan, describeWait } from "./duration-text.ts";
import { findOpenLink } from "./open-link.ts";

/** An empty string is a part that is not shown. */
export type RowText = {
  name: string;
  kind: string;
  state: State;
  word: string;
  /** How long it has been so: "for 12 min". */
  span: string;
  why: string;
  phase: string;
  /** null: unknown; "none": not waking. */
  progress: number | null | "none";
  facts: FactsText;
  notice: NoticeText;
  log: string;
  command: string;
  link: string | null;
  wake: string;
  sleep: string;
};

/** @param now wall time; without one nothing is said about time */
export function describeRow(view: WorkloadView, now: number | undefined): RowText {
  const name = cleanText(view.name);
  const title = cleanText(view.title);
  const busy = view.state === "waking" || view.state === "sleeping";
  return {
    name,
    kind: describeKind(view, name, title),
    state: view.state,
    word: stateWords[view.state],
    span: now === undefined || view.state === "absent" ? "" : describeAge(view, now),
    why: cleanText(view.why),
    phase: busy ? cleanText(view.phase ?? "") : "",
    progress: view.state === "waking" ? known(view.progress) : "none",
    facts: describeFacts(view, now),
    notice: describeNotice(view, now),
    log: view.state === "failed" ? cleanLog(view.logTail) : "",
    command: describeCommand(view, name),
    link: view.state === "awake" ? findOpenLink(view) : null,
    wake: view.type === "job" ? "" : wakeLabels[view.state],
    sleep: view.type !== "job" && view.state === "awake" ? "Sleep" : "",
  };
}

/** What asks a service is a program: people need its address more than a button that opens it. */
function describeKind({ type, url }: WorkloadView, name: string, title: string): string {
  if (type === "service" && url !== null) return `${type} · ${cleanText(url)}`;
  return title === "" || title === name ? type : `${title} · ${type}`;
}

export const stateWords: Record<State, string> = {
  absent: "Not set up",
  asleep: "Asleep",
  waking: "Waking",
  awake: "Awake",
  sleeping: "Going to sleep",
  failed: "Failed",
};

const wakeLabels: Record<State, string> = {
  absent: "",
  asleep: "Wake",
  waking: "",
  awake: "",
  sleeping: "Wake",
  failed: "Try again",
};

function describeAge(view: WorkloadView, now: number): string {
  const ms = now - view.since;
  return `for ${view.state === "waking" ? describeWait(ms) : describeSpan(ms)}`;
}

function known(progress: number | null): number | null {
  return progress === null || !Number.isFinite(progress) ? null : Math.min(1, Math.max(0, progress));
}

function describeCommand(view: WorkloadView, name: string): string {
  if (view.state === "absent") return `sesta up ${name}`;
  return view.type === "job" && view.state !== "awake" && view.state !== "waking" ? `sesta run ${name}` : "";
}
