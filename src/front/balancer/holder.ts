// Holds requests that no replica takes, and wakes the service: until one does, it failed, or time is up.
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { State } from "../../model/words.ts";
import type { Decision, LaterUpstream } from "../proxy/door.ts";
import type { Passage } from "./passage.ts";

export type HolderOptions = {
  clock: Clock;
  log: Log;
  name: string;
  state(): { state: State; why: string };
  wake(): Promise<void>;
  holdMs: () => number;
  maxHeld?: () => number;
};

export type Holder = {
  /** A decision for a request that no replica takes now. */
  hold(passage: Passage): Decision;
  /** For a request whose replicas all failed, as when the only one was killed; undefined when it must not wait. */
  later(passage: Passage): LaterUpstream | undefined;
  /** A request went on to a replica: a service that goes to sleep is told. */
  passing(): void;
  /** State or replicas changed. */
  look(): void;
  size(): number;
  close(): void;
};

type Held = {
  until: number;
  /** Whether a replica takes it now. */
  goesOn(): boolean;
  refuse(decision: Decision): void;
};

/** One that met a dead replica waits no longer than this: it may be that nobody starts another. */
const laterMs = 10_000;

const lookMs = 100;
const warningMs = 10_000;
const heldLimit = 1_000;

/** @param refuseState what a request gets that waits no longer */
export function createHolder(
  options: HolderOptions,
  refuseState: (state: State, why: string) => Decision,
): Holder {
  const { clock, log, name } = options;
  const held = new Set<Held>();
  let last: State | undefined;
  let warnedAt = -Infinity;
  let looker: NodeJS.Timeout | undefined;

  const refuse = (one: Held, decision: Decision) => {
    held.delete(one);
    one.refuse(decision);
  };
  const isFull = () => held.size >= (options.maxHeld?.() ?? heldLimit);
  const startWake = async () => options.wake();
  const wake = (whom: Iterable<Held>) => {
    startWake().catch((error: unknown) => {
      const now = clock.monotonic();
      if (now - warnedAt >= warningMs) {
        warnedAt = now;
        log.warn("wake by request", { service: name, error: messageOf(error) });
      }
      const decision = refuseState(options.state().state, messageOf(error));
      for (const one of whom) if (held.has(one)) refuse(one, decision);
    });
  };
  const look = () => {
    const { state, why } = options.state();
    const fellAsleep = state === "asleep" && last !== "asleep";
    last = state;
    for (const one of held) {
      if (one.goesOn()) held.delete(one);
      else if (isOver(state) || clock.monotonic() >= one.until) refuse(one, refuseState(state, why));
    }
    if (fellAsleep && held.size > 0) wake(held);
    if (held.size > 0) return;
    clearInterval(looker);
    looker = undefined;
  };
  const add = (one: Held) => {
    held.add(one);
    looker ??= setInterval(look, lookMs).unref();
  };

  return {
    hold(passage) {
      const { state, why } = options.state();
      last = state;
      if (isOver(state) || isFull()) {
        passage.ended(503);
        return refuseState(state, isOver(state) ? why : "too many requests wait for it already.");
      }
      return {
        kind: "hold",
        session: "",
        wait(decided) {
          const one: Held = {
            until: clock.monotonic() + options.holdMs(),
            goesOn() {
              const forward = passage.begin();
              if (forward) decided(forward);
              return forward !== undefined;
            },
            refuse(decision) {
              passage.ended(503);
              decided(decision);
            },
          };
          add(one);
          if (state !== "awake") wake([one]);
          return () => {
            if (held.delete(one)) passage.ended(499);
          };
        },
      };
    },
    later(passage) {
      const until = (passage.waitsUntil ??= clock.monotonic() + Math.min(laterMs, options.holdMs()));
      if (isOver(options.state().state) || isFull() || clock.monotonic() >= until) return undefined;
      return {
        wait(found) {
          const one: Held = {
            until,
            goesOn() {
              const upstream = passage.again();
              if (upstream) found(upstream);
              return upstream !== undefined;
            },
            refuse: () => found(undefined),
          };
          add(one);
          return () => held.delete(one);
        },
      };
    },
    passing() {
      if (last === "sleeping") wake([]);
    },
    look,
    size: () => held.size,
    close: () => clearInterval(looker),
  };
}

/** No replica will come of itself. */
function isOver(state: State): boolean {
  return state === "failed" || state === "absent";
}
