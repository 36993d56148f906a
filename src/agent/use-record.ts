// The record of use: spans during which one thing was used without a break, kept as they grow.
import type { Clock } from "../base/clock.ts";
import type { UseSpan } from "../model/status.ts";
import type { AgentState } from "../state/agent-state.ts";

/** @param monotonic when it was used; `goesOn` for what still is */
export type Seen = { key: string; source: string; monotonic: number; goesOn: boolean };

export type UseRecord = {
  /** @param gapMs what is used again after at most this long was used all the time */
  seen(use: Seen, gapMs: number): void;
  /** A look is over: closes spans that did not grow for `gapMs`. */
  looked(gapMs: number): void;
  close(): void;
};

export type UseRecordContext = {
  clock: Clock;
  state: Pick<AgentState, "growUse" | "closeUse">;
  workload: string;
  /** Told of each span when it is over and kept. */
  closed: (span: UseSpan) => void;
  /** Told when one could not be written, as on a full disk; it is tried again. */
  failed: (error: unknown) => void;
};

/** `from` is a wall time; the rest is monotonic, so that no jump of the wall clock bends the length of a span. */
type Span = { id: number | null; source: string; goesOn: boolean; wallFrom: number } & Times;
type Times = { from: number; to: number; writtenAt: number };

const longestMs = 10 * 60_000;
const writeEveryMs = 30_000;
const mostUnwritten = 1_000;

export function createUseRecord({ clock, state, workload, closed, failed }: UseRecordContext): UseRecord {
  const open = new Map<string, Span>();
  let over: Span[] = [];

  const shape = ({ source, wallFrom, from, to }: Span) => ({
    workload,
    source,
    from: Math.round(wallFrom),
    to: Math.round(wallFrom + to - from),
  });
  const attempt = (work: () => void): boolean => {
    try {
      work();
      return true;
    } catch (error) {
      failed(error);
      return false;
    }
  };
  const write = (span: Span): void => {
    const now = clock.monotonic();
    if (now - span.writtenAt < writeEveryMs) return;
    span.writtenAt = now; // one that fails is tried again no sooner
    attempt(() => (span.id = state.growUse(span.id, shape(span))));
  };
  const end = (key: string, span: Span): void => {
    open.delete(key);
    over = [...over, span].slice(-mostUnwritten);
    settle();
  };
  const settle = (): void => {
    for (const span of over) {
      if (!attempt(() => closed(state.closeUse(span.id, shape(span))))) return;
      over = over.slice(1);
    }
  };
  const begin = (key: string, use: Seen, from: number): void => {
    const wallFrom = clock.now() - (clock.monotonic() - from);
    const { source, goesOn } = use;
    const span = { id: null, source, goesOn, wallFrom, from, to: use.monotonic, writtenAt: -Infinity };
    open.set(key, span);
    write(span);
  };

  return {
    seen(use, gapMs) {
      const { key, source, monotonic, goesOn } = use;
      const span = open.get(key);
      if (!span) return begin(key, use, monotonic);
      const joins = monotonic - span.to <= gapMs;
      if (!joins || monotonic - span.from > longestMs) {
        end(key, span);
        return begin(key, use, joins ? span.to : monotonic);
      }
      span.to = Math.max(span.to, monotonic);
      if (goesOn || !span.goesOn) span.source = source; // "is busy" says more than the "was used" at its end
      span.goesOn ||= goesOn;
      write(span);
    },
    looked(gapMs) {
      if (over.length > 0) settle();
      for (const [key, span] of open) if (clock.monotonic() - span.to > gapMs) end(key, span);
    },
    close() {
      for (const [key, span] of open) end(key, span);
    },
  };
}
