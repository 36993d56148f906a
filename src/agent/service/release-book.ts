// The record of a service's releases: which one is live, which one is to be, and which ones can be gone back to.
import type { Clock } from "../../base/clock.ts";
import { SestaError } from "../../base/errors.ts";
import type { MachinePlaces } from "../../model/agent-protocol.ts";
import type { Launch } from "../../model/launch.ts";
import type { NewRelease, Release, ReleaseState } from "../../model/release.ts";
import type { AgentState } from "../../state/agent-state.ts";
import type { KeptRelease } from "../../state/release-state.ts";

/** So many releases that were live before can be gone back to; of as many that failed is known why. */
const kept = 5;

export class ReleaseBook {
  readonly #state: AgentState;
  readonly #clock: Clock;
  readonly #workload: string;
  #releases: KeptRelease[];

  constructor(state: AgentState, clock: Clock, workload: string) {
    this.#state = state;
    this.#clock = clock;
    this.#workload = workload;
    this.#releases = state.listReleases(workload);
  }

  /** Newest first. */
  get all(): readonly KeptRelease[] {
    return this.#releases;
  }

  live(): KeptRelease | undefined {
    return this.#releases.find(({ state }) => state === "live");
  }

  starting(): KeptRelease | undefined {
    return this.#releases.find(({ state }) => state === "starting");
  }

  findKey(key: string): KeptRelease | undefined {
    return this.#releases.find((one) => one.key === key);
  }

  nextNumber(): number {
    return (this.#releases[0]?.number ?? 0) + 1;
  }

  add(launch: Launch, places: MachinePlaces, number: number, wanted: NewRelease): KeptRelease {
    const { key, tree: _tree, env: _env, ...facts } = wanted;
    const release: KeptRelease = {
      workload: this.#workload,
      number,
      key,
      launch,
      places,
      facts,
      at: this.#clock.now(),
      state: "starting",
      why: "It is begun.",
      liveSince: null,
      logTail: [],
    };
    this.#keep([release]);
    return release;
  }

  /** One that was live takes over again. @throws SestaError UNKNOWN_RELEASE */
  again(number: number | null): KeptRelease {
    const found = this.#releases.find((one) =>
      number === null ? one.state === "replaced" : one.number === number,
    );
    if (!found || found.state === "failed") throw this.#unknown(number);
    if (found.state === "live") return found;
    return this.#move(found, "starting", "It is gone back to.");
  }

  /** The new one takes over as the old one is replaced: both are kept in one step. */
  takeOver(release: KeptRelease): void {
    const old = this.live();
    const next = {
      ...this.#current(release),
      state: "live" as const,
      why: "It is live.",
      liveSince: this.#clock.now(),
    };
    const replaced = old && {
      ...old,
      state: "replaced" as const,
      why: `Release ${release.number} replaced it.`,
    };
    this.#keep(replaced ? [next, replaced] : [next]);
  }

  /** It did not become healthy; one that was live before can still be gone back to. */
  fail(release: KeptRelease, why: string, logTail: readonly string[]): void {
    const state = release.liveSince === null ? "failed" : "replaced";
    this.#keep([{ ...this.#current(release), state, why, logTail }]);
  }

  /** Those that are forgotten now: older than the ones that can be gone back to, or than as many that failed. */
  prune(): KeptRelease[] {
    const of = (wanted: ReleaseState) => this.#releases.filter(({ state }) => state === wanted);
    const past = of("replaced").toSorted((a, b) => (b.liveSince ?? 0) - (a.liveSince ?? 0));
    const old = [...past.slice(kept), ...of("failed").slice(kept)];
    const gone = old.filter((one) => one !== this.#releases[0]); // its number is not given again
    for (const { number } of gone) this.#state.deleteRelease(this.#workload, number);
    this.#releases = this.#releases.filter((one) => !gone.includes(one));
    return gone;
  }

  /** One at a time. @throws SestaError BUSY while another one starts */
  refuseTwo(): void {
    const other = this.starting();
    if (!other) return;
    const what = `Release ${other.number} of ${this.#workload}, by ${other.facts.by}, is starting`;
    throw new SestaError("BUSY", what, { hint: "Wait until it is live or has failed." });
  }

  #current({ number, ...otherwise }: KeptRelease): KeptRelease {
    return this.#releases.find((one) => one.number === number) ?? { number, ...otherwise };
  }

  #move(release: KeptRelease, state: ReleaseState, why: string): KeptRelease {
    const moved = { ...release, state, why };
    this.#keep([moved]);
    return moved;
  }

  #keep(changed: readonly KeptRelease[]): void {
    this.#state.saveReleases(changed);
    const others = this.#releases.filter(({ number }) => !changed.some((one) => one.number === number));
    this.#releases = [...others, ...changed].toSorted((a, b) => b.number - a.number);
  }

  #unknown(number: number | null): SestaError {
    const numbers = this.#releases.filter(({ state }) => state === "replaced").map((one) => one.number);
    const asked = number === null ? "earlier release" : `release ${number}`;
    return new SestaError("UNKNOWN_RELEASE", `${this.#workload} has no ${asked} to go back to`, {
      hint:
        numbers.length > 0
          ? `These can be gone back to: ${numbers.join(", ")}.`
          : `\`sesta releases ${this.#workload}\` lists them.`,
    });
  }
}

/** @param phase what goes on while it starts */
export function describeRelease(release: KeptRelease, phase: string | null): Release {
  const { number, at, state, why, liveSince, logTail, facts } = release;
  return { ...facts, number, at, state, why, liveSince, logTail, phase };
}
