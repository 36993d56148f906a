// Holds requests for a service that has no replica yet, and wakes it: until there is one, it failed, or time is up.
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { State } from "../../model/words.ts";
import type { Decision } from "../proxy/door.ts";
import type { Passage } from "./passage.ts";

export type HolderOptions = {
  clock: Clock;
  log: Log;
  name: string;
  state(): { state: State; why: string };
  wake(): Promise<void>;
  holdMs: () => number;
  maxHeld?: () => number;
  refuseState(state: State, why: string): Decision;
};

export type Holder = {
  /** A decision for a request that no replica takes now. */
  hold(passage: Passage): Decision;
  /** A request went on to a replica: a service that goes to sleep is told. */
  passing(): void;
  /** State or replicas changed. */
  look(): void;
  size(): number;
  close(): void;
};

type Held = { passage: Passage; decided: (decision: Decision) => void; until: number };

const lookMs = 100;
const heldLimit = 1_000;

export function createHolder(options: HolderOptions): Holder {
  const { clock, log, name, refuseState } = options;
  const held = new Set<Held>();
  let last = options.state().state;

  const refuse = (one: Held, decision: Decision) => {
    held.delete(one);
    one.passage.ended(503);
    one.decided(decision);
  };
  const wake = (whom: Iterable<Held>) => {
    options.wake().catch((error: unknown) => {
      log.warn("wake by request", { service: name, error: messageOf(error) });
      const decision = refuseState(options.state().state, messageOf(error));
      for (const one of whom) if (held.has(one)) refuse(one, decision);
    });
  };
  const look = () => {
    const { state, why } = options.state();
    const fellAsleep = state === "asleep" && last !== "asleep";
    last = state;
    if (held.size === 0) return;
    for (const one of held) {
      const forward = one.passage.begin();
      if (forward) {
        held.delete(one);
        one.decided(forward);
      } else if (isOver(state) || clock.monotonic() >= one.until) refuse(one, refuseState(state, why));
    }
    if (fellAsleep && held.size > 0) wake(held);
  };
  const looker = setInterval(look, lookMs);
  looker.unref();

  return {
    hold(passage) {
      const { state, why } = options.state();
      last = state;
      if (isOver(state) || held.size >= (options.maxHeld?.() ?? heldLimit)) {
        passage.ended(503);
        return refuseState(state, isOver(state) ? why : "too many requests wait for it already.");
      }
      return {
        kind: "hold",
        session: "",
        wait(decided) {
          const one = { passage, decided, until: clock.monotonic() + options.holdMs() };
          held.add(one);
          if (state !== "awake") wake([one]);
          return () => {
            if (held.delete(one)) passage.ended(499);
          };
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
