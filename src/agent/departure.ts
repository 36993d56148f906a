// The part of going to sleep that can be taken back: nothing has been stopped, and whoever comes keeps it awake.
import type { Clock } from "../base/clock.ts";
import type { MachinePlaces } from "../model/agent-protocol.ts";
import { saveFinally } from "./final-save.ts";
import { look, type Evidence, type SleepCause } from "./idle.ts";
import type { Saver } from "./save/saver.ts";

/** "asked": by a person, whom the mere use of others does not overrule. */
export type DepartureCause = SleepCause | "asked";

export type Leaving = {
  saver: Saver | null;
  disk: MachinePlaces["disk"];
  /** What goes on, and what was done since it was last looked. */
  collect: () => Promise<Evidence[]>;
  show: (phase: string) => void;
};

/** `used` and `unsaved` say in words why it stays. */
export type Outcome = { kind: "ready" } | { kind: "used"; by: string } | { kind: "unsaved"; what: string };

export class Departure {
  readonly #clock: Clock;
  #cause: DepartureCause = "asked";
  #open = false;
  #postponed: { why: string; at: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Requests may still pass. */
  get open(): boolean {
    return this.#open;
  }

  /** Whether somebody who uses it now keeps it awake. */
  get yieldsToUse(): boolean {
    return this.#open && this.#cause === "idle";
  }

  /** @param open whether something runs that can go on as if nothing had been */
  begin(cause: DepartureCause, open: boolean): void {
    this.#cause = cause;
    this.#open = open;
  }

  /** From now on it is being stopped. */
  close(): void {
    this.#open = false;
  }

  /** What has to be done before anything is stopped. Means nothing when the signal has aborted. */
  async prepare({ saver, disk, collect, show }: Leaving, signal: AbortSignal): Promise<Outcome> {
    const unsaved = saver && (await saveFinally({ saver, disk, clock: this.#clock, show }, signal));
    if (signal.aborted) return { kind: "ready" };
    if (this.#cause === "idle") {
      const [use] = await look(this.#clock, collect);
      if (use) return { kind: "used", by: use.source };
    }
    return unsaved ? { kind: "unsaved", what: unsaved } : { kind: "ready" };
  }

  /** It stays awake only until everything is saved. */
  postpone(why: string): void {
    this.#postponed = { why, at: this.#clock.monotonic() };
  }

  /** Somebody wants it awake: it is not to sleep as soon as it can. */
  forget(): void {
    this.#postponed = null;
  }

  /**
   * Why it is to sleep now that it can: it was to sleep before, everything is saved, and nobody has used it since.
   * @param lastUseAt on the monotonic clock
   */
  due(saver: Saver, lastUseAt: number): string | undefined {
    const { owedSince, setAside, held } = saver.report();
    if (!this.#postponed) return undefined;
    const { why, at } = this.#postponed;
    if (lastUseAt > at) this.#postponed = null;
    else if (owedSince === null && setAside.length === 0 && !held) {
      this.#postponed = null;
      return why;
    }
    return undefined;
  }
}
