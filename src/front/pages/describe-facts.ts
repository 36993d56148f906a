// What pages say of a workload's use and of its saves; the server and the pages' script both ask this.
import type { SavedView, WorkloadView } from "../../model/view.ts";
import { cleanText } from "./clean-text.ts";
import { describeAgo, describeClock, describeSpan } from "./duration-text.ts";

/** An empty string is a part that is not shown. */
export type FactsText = {
  /** When it will sleep, and after what; or until when it is kept awake. */
  rule: string;
  /** "Last use: a cell ran in train.ipynb, 3 min ago". */
  use: string;
  /** "Saved 2 min ago". */
  saved: string;
  /** What is not saved, and why. */
  unsaved: string;
  /** "2 files are not saved". */
  asideSummary: string;
  aside: readonly string[];
};

const longest = 300;
/** What the machine itself has kept although the remote has not; of the others that cannot be promised. */
const keptHere = new Set(["unreachable", "refused", "token"]);
/** So long a save may take before it is said when it began. */
const promptMs = 60_000;

/** @param now wall time; without one nothing is said about time */
export function describeFacts(view: WorkloadView, now: number | undefined): FactsText {
  const saved = view.state === "absent" ? null : view.saved;
  return {
    rule: describeRule(view, now),
    use: describeUse(view, now),
    saved: saved === null ? "" : describeSaved(saved, now),
    unsaved: saved === null ? "" : describeUnsaved(saved, now),
    ...describeAside(saved?.setAside ?? { count: 0, files: [] }),
  };
}

function describeRule(view: WorkloadView, now: number | undefined): string {
  if (view.state !== "awake" || view.type === "job" || view.announced) return "";
  const { hold, sleepsAt } = view;
  if (hold !== null && now !== undefined && hold.until > now) {
    const kept = `Kept awake until ${describeClock(hold.until, now)}`;
    const capped =
      sleepsAt !== null && sleepsAt < hold.until ? `, but sleeps in ${describeSpan(sleepsAt - now)}` : "";
    return `${kept}${capped}${hold.reason === null ? "" : `: ${cleanText(hold.reason)}`}`;
  }
  const idle =
    view.idleMs === undefined || view.idleMs === null ? "" : `after ${describeSpan(view.idleMs)} without use`;
  if (sleepsAt !== null && now !== undefined) {
    return `Sleeps in ${describeSpan(sleepsAt - now)}${idle === "" ? " unless it is used" : `, ${idle}`}`;
  }
  if (idle !== "") return `Sleeps ${idle}`;
  return view.idleMs === null ? "Never sleeps by itself" : "";
}

function describeUse({ lastUse, state }: WorkloadView, now: number | undefined): string {
  if (lastUse === null || (state !== "awake" && state !== "sleeping" && state !== "asleep")) return "";
  return `Last use: ${short(lastUse.source)}${now === undefined ? "" : `, ${describeAgo(now - lastUse.at)}`}`;
}

function describeSaved(saved: SavedView, now: number | undefined): string {
  const { problem, owedSince, savedAt, beside, branch } = saved;
  const where =
    beside === null || branch === null
      ? ""
      : `; saves go to ${short(branch)}, because ${short(beside)} moved elsewhere`;
  if (problem !== null) return where.replace(/^; s/, "S");
  if (owedSince !== null) {
    const since =
      now === undefined || now - owedSince < promptMs ? "" : ` since ${describeClock(owedSince, now)}`;
    return `Saving${since}${where}`;
  }
  if (savedAt === null) return "Nothing is saved yet";
  return `Saved${now === undefined ? "" : ` ${describeAgo(now - savedAt)}`}${where}`;
}

function describeUnsaved({ problem, owedSince, heldDeletions }: SavedView, now: number | undefined): string {
  const parts = [];
  if (problem !== null) {
    const since = now === undefined ? "" : ` since ${describeClock(owedSince ?? problem.since, now)}`;
    const kept = keptHere.has(problem.kind) ? "; files are safe on this machine" : "";
    parts.push(`Not saved${since}: ${withoutStop(problem.message)}${kept}.`);
    if (problem.hint !== undefined) parts.push(`${withoutStop(problem.hint)}.`);
  }
  if (heldDeletions !== null) {
    const { gone, of, why } = heldDeletions;
    parts.push(
      `${gone} of ${of} files are gone and stay saved until the owner confirms: ${withoutStop(why)}.`,
    );
  }
  return parts.join(" ");
}

function describeAside({ count, files }: SavedView["setAside"]): Pick<FactsText, "asideSummary" | "aside"> {
  if (count === 0) return { asideSummary: "", aside: [] };
  const more = count - files.length;
  const named = files.map(({ path, why }) => `${short(path)}: ${withoutStop(why)}`);
  return {
    asideSummary: count === 1 ? "1 file is not saved" : `${count} files are not saved`,
    aside: more > 0 ? [...named, `and ${more} more`] : named,
  };
}

function withoutStop(text: string): string {
  return cleanText(text).replace(/[.\s]+$/, "");
}

function short(text: string): string {
  const clean = cleanText(text);
  return clean.length <= longest ? clean : `${clean.slice(0, longest)}…`;
}
