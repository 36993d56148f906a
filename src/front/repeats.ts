// Tells what a page asks again and again by itself from what a person does in it: only the latter is new.
import type { Clock } from "../base/clock.ts";
import { setBounded } from "./bounded-map.ts";
import type { DoorRequest } from "./proxy/door.ts";

export type Repeats = {
  /** Whether it was not asked in just this way lately. Parts of the page itself never are. */
  isNew(request: Pick<DoorRequest, "method" | "target" | "body">): boolean;
};

/** MLflow's pages refresh what they show every half minute, and browsers let a hidden one do so once a minute. */
const memoryMs = 3 * 60_000;
const remembered = 1_000;

export function createRepeats(clock: Clock): Repeats {
  const seen = new Map<string, number>();
  return {
    isNew({ method, target, body }) {
      if (target.startsWith("/static-files/")) return false;
      const key = `${method} ${target} ${String(body ?? "")}`;
      const before = seen.get(key);
      const now = clock.monotonic();
      setBounded(seen, key, now, remembered);
      return before === undefined || now - before > memoryMs;
    },
  };
}
