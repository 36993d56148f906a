// Counts wrong passwords: a source that keeps guessing is blocked, an account under attack is only slowed.
import type { Clock } from "../base/clock.ts";
import { setBounded } from "./bounded-map.ts";

export type Attempts = {
  /** Milliseconds until `source` may try again; 0 when it may now. */
  blockedMs(source: string): number;
  /** Milliseconds that a guess at `account` is held before it is verified; never more than 1.5 s. */
  holdMs(account: string): number;
  /** One wrong guess of `source`. */
  countSource(source: string, account: string): void;
  /** One wrong guess that was verified, whoever made it. */
  countAccount(account: string): void;
  /** Forgives `source` what it got wrong at this account, and no other: else one password would buy guesses at the rest. */
  forgive(source: string, account: string): void;
  /** How many sources are remembered. */
  size(): number;
};

const freePerSource = 5;
const firstBlockMs = 1000;
const longestBlockMs = 15 * 60_000;
/** After an hour of silence the five are free again: about what the longest block lets through anyhow. */
const forgetSourceMs = 60 * 60_000;
const freePerAccount = 10;
const firstHoldMs = 100;
/** Below the 2 s that the owner's login may take while others guess, so that the hash fits in as well. */
const longestHoldMs = 1500;
const forgetAccountMs = 15 * 60_000;
const limit = 10_000;

type Source = { wrong: Map<string, number>; lastAt: number; blockedUntil: number };
type Account = { wrong: number; lastAt: number };

/** All times are monotonic. At most 10,000 sources and as many accounts are remembered, the latest ones. */
export function createAttempts(clock: Clock): Attempts {
  const sources = new Map<string, Source>();
  const accounts = new Map<string, Account>();

  function blockedMs(source: string): number {
    const entry = sources.get(source);
    return entry ? Math.max(0, entry.blockedUntil - clock.monotonic()) : 0;
  }

  function holdMs(account: string): number {
    const entry = accounts.get(account);
    if (!entry || isStale(entry, forgetAccountMs)) return 0;
    return doubling(entry.wrong - freePerAccount, firstHoldMs, longestHoldMs);
  }

  function countSource(source: string, account: string): void {
    const now = clock.monotonic();
    const old = sources.get(source);
    const wrong = old && !isStale(old, forgetSourceMs) ? old.wrong : new Map<string, number>();
    wrong.set(account, (wrong.get(account) ?? 0) + 1);
    const blockMs = doubling(sum(wrong) - freePerSource, firstBlockMs, longestBlockMs);
    setBounded(sources, source, { wrong, lastAt: now, blockedUntil: now + blockMs }, limit);
  }

  function countAccount(account: string): void {
    const old = accounts.get(account);
    const wrong = old && !isStale(old, forgetAccountMs) ? old.wrong : 0;
    setBounded(accounts, account, { wrong: wrong + 1, lastAt: clock.monotonic() }, limit);
  }

  function forgive(source: string, account: string): void {
    const entry = sources.get(source);
    if (!entry?.wrong.delete(account)) return;
    if (entry.wrong.size === 0) sources.delete(source);
  }

  function isStale(entry: { lastAt: number }, forgetMs: number): boolean {
    return clock.monotonic() - entry.lastAt >= forgetMs;
  }

  return { blockedMs, holdMs, countSource, countAccount, forgive, size: () => sources.size };
}

/** 0 below zero steps, then `firstMs` doubled at each step up to `longestMs`. */
function doubling(steps: number, firstMs: number, longestMs: number): number {
  return steps < 0 ? 0 : Math.min(longestMs, firstMs * 2 ** steps);
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
