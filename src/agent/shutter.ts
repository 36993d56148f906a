// Keeps a workload from being woken while a command works on its data, and no longer than that command is heard of.
import type { Clock } from "../base/clock.ts";

export type Shutter = {
  /** Opens by itself when nobody says `keep` for a minute: whoever shut it may have died. */
  set(isShut: boolean): void;
  /** Whoever shut it is still there. One that is open stays open. */
  keep(): void;
  isShut(): boolean;
};

const forgetMs = 60_000;

export function createShutter(clock: Pick<Clock, "monotonic">): Shutter {
  let until = -Infinity;
  const isShut = () => clock.monotonic() < until;
  const set = (shut: boolean) => {
    until = shut ? clock.monotonic() + forgetMs : -Infinity;
  };
  return { set, isShut, keep: () => set(isShut()) };
}
