// The truth about the use of one lab. Every rule sees only a part of it, at its own moments.

/** Milliseconds from the start of the timeline; `to` is not in the span any more. */
export type Span = { from: number; to: number };

/** Something that runs: a notebook's code, a terminal's foreground program, or a job that a terminal left behind. */
export type Code = Span & {
  where: "kernel" | "terminal" | "background";
  /** It prints this often; null: nothing until it ends. */
  outputEveryMs: number | null;
};

/** What a person does: opens the page, makes a kernel work, types in a terminal, saves a text, looks into files. */
export type Action = { at: number; via: "visit" | "kernel" | "terminal" | "save" };

export type Timeline = {
  endMs: number;
  code: readonly Code[];
  /** Sorted. A person who acts while the lab sleeps wakes it. */
  actions: readonly Action[];
  /** Somebody sits before the page, acting or not; ends with their last action. */
  present: readonly Span[];
  /** A page is open and asks by itself: requests each 10 s, WebSocket pings each 30 s. */
  tabs: readonly Span[];
  /** Jupyter does not answer. */
  outages: readonly Span[];
};

export const tabAsksEveryMs = 10_000;

export function covers(spans: readonly Span[], at: number): boolean {
  return spans.some(({ from, to }) => from <= at && at < to);
}

/** The newest moment not after `at` that a span of `spans` covers; -Infinity when there is none. */
export function lastCovered(spans: readonly Span[], at: number): number {
  return spans.reduce(
    (newest, { from, to }) => (from > at ? newest : Math.max(newest, Math.min(to, at))),
    -Infinity,
  );
}

/** The newest action not after `at`, of these kinds; -Infinity when there is none. */
export function lastAction(
  { actions }: Timeline,
  at: number,
  via: readonly Action["via"][] = ["visit", "kernel", "terminal", "save"],
): number {
  for (let index = firstAfter(actions, at) - 1; index >= 0; index -= 1) {
    const action = actions[index];
    if (action && via.includes(action.via)) return action.at;
  }
  return -Infinity;
}

/** The newest thing that this code printed, its end included. */
export function lastOutput({ from, to, outputEveryMs }: Code, at: number): number {
  if (at < from) return -Infinity;
  if (at >= to) return to;
  return outputEveryMs === null ? from : from + Math.floor((at - from) / outputEveryMs) * outputEveryMs;
}

/** The first action after `at`. */
export function nextAction({ actions }: Timeline, at: number): Action | undefined {
  return actions[firstAfter(actions, at)];
}

function firstAfter(actions: readonly Action[], at: number): number {
  let low = 0;
  for (let high = actions.length; low < high;) {
    const middle = (low + high) >>> 1;
    if ((actions[middle]?.at ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
