// What pages say while a workload is about to sleep by itself; the server and the pages' script both ask this.
import type { WorkloadView } from "../../model/view.ts";
import { cleanText } from "./clean-text.ts";
import { describeWait } from "./duration-text.ts";

/** An empty string is a part that is not shown. */
export type NoticeText = {
  /** Counts down: "Jupyter Lab will sleep in 45 s because nobody uses it." */
  text: string;
  /** The same for a reader that is told once. */
  said: string;
  /** Label of the button that keeps it awake. */
  keep: string;
};

/** Sleep of the idle rule is due this exactly; what is due sooner has another reason. */
const slackMs = 2_000;

/** @param now wall time of the server */
export function describeNotice(view: WorkloadView, now: number | undefined): NoticeText {
  const { announced, sleepsAt, state } = view;
  if (!announced || sleepsAt === null || state !== "awake") return { text: "", said: "", keep: "" };
  const title = cleanText(view.title) || cleanText(view.name);
  const capped = isCapped(view, sleepsAt);
  const why = capped ? ": it was awake as long as it may be." : " because nobody uses it.";
  const soon = "within a minute";
  const when =
    now === undefined ? soon : sleepsAt - now < 1000 ? "now" : `in ${describeWait(sleepsAt - now)}`;
  return {
    text: `${title} will sleep ${when}${why}`,
    said: `${title} will sleep ${soon}${why}`,
    keep: capped ? "" : "Keep it awake",
  };
}

/** `max_awake` ends it, which no use can put off. */
function isCapped({ idleMs, lastUse }: WorkloadView, sleepsAt: number): boolean {
  if (idleMs === null) return true;
  return idleMs !== undefined && lastUse !== null && lastUse.at + idleMs > sleepsAt + slackMs;
}
