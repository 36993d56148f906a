// Verifies passwords one at a time: guessers wait or are turned away, a thousand equal right ones cost one hash.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { createAttempts } from "./attempts.ts";
import type { Attempts } from "./attempts.ts";
import { createLane } from "./lane.ts";
import { buildDecoyHash, isTooLong, normalizePassword, verifyPassword } from "./password.ts";

/** `version` changes whenever the secret does. */
export type Password = { readonly hash: string; readonly version: number };

export type Guess = {
  /** From `sourceOf`. */
  source: string;
  /** The name that was asked for, known or not: what the account's delay counts by. The secret's name unless said. */
  account?: string;
  /** The secret that guards it; undefined for an unknown account, which costs the same and never opens. */
  secret: string | undefined;
  candidate: string;
};

export type Verdict =
  | { kind: "ok"; /** Of the password that was right. */ version: number }
  | { kind: "wrong" }
  | { kind: "throttled"; retryAfterSeconds: number };

export type Gate = {
  check(guess: Guess): Promise<Verdict>;
  /** The version of the password where this was verified before, without a hash; programs show it with every request. */
  recall(secret: string, candidate: string): number | undefined;
};

export type GateOptions = {
  clock: Clock;
  passwords: () => ReadonlyMap<string, Password>;
  attempts?: Attempts;
  verify?: (encoded: string, candidate: string) => Promise<boolean>;
};

const waitingLimit = 8;
/** Distinct guesses of one source under way, so that one source alone never fills the lane. */
const perSourceLimit = 4;

type Job = { sources: Set<string>; verdict: Promise<Verdict> };
type Question = { account: string; secret: string | undefined; password: Password | undefined; text: string };

/** What was verified is remembered in memory only, as an HMAC under a key of this process, until the secret changes. */
export function createGate({
  clock,
  passwords,
  attempts = createAttempts(clock),
  verify = verifyPassword,
}: GateOptions): Gate {
  const key = randomBytes(32);
  const decoy = buildDecoyHash();
  const lane = createLane(waitingLimit);
  const jobs = new Map<string, Job>();
  const right = new Map<string, { password: Password; digest: Buffer }>();

  async function check(guess: Guess): Promise<Verdict> {
    const blockedMs = attempts.blockedMs(guess.source);
    if (blockedMs > 0) return throttled(blockedMs);
    const question = ask(guess);
    if (isTooLong(question.text)) {
      attempts.countSource(guess.source, question.account);
      return { kind: "wrong" };
    }
    const digest = digestOf(question);
    const known = findRight(question);
    if (known && question.password && timingSafeEqual(known, digest)) {
      attempts.forgive(guess.source, question.account);
      return { kind: "ok", version: question.password.version };
    }
    return verifyOnce(guess.source, question, digest, known !== undefined || question.password === undefined);
  }

  function ask({ account, secret, candidate }: Guess): Question {
    const password = secret === undefined ? undefined : passwords().get(secret);
    return { account: account ?? secret ?? "", secret, password, text: normalizePassword(candidate) };
  }

  function digestOf({ account, secret, password, text }: Question): Buffer {
    const place = password ? [secret, password.version, password.hash] : [account];
    return createHmac("sha256", key)
      .update(JSON.stringify([place, text]))
      .digest();
  }

  function findRight({ secret, password }: Question): Buffer | undefined {
    const known = secret === undefined ? undefined : right.get(secret);
    return known && password && isSame(known.password, password) ? known.digest : undefined;
  }

  /**
   * @param surelyWrong where the right password is remembered this is not it, and an unknown account has none.
   *   Such a guess is hashed all the same, for its timing, but counts at once: comparing it with the memory
   *   must never be free, also when the lane is full.
   */
  async function verifyOnce(
    source: string,
    question: Question,
    digest: Buffer,
    surelyWrong: boolean,
  ): Promise<Verdict> {
    const id = digest.toString("base64");
    const running = jobs.get(id);
    if (running?.sources.has(source)) return running.verdict;
    if (surelyWrong) attempts.countSource(source, question.account);
    if (running) {
      running.sources.add(source);
      return running.verdict;
    }
    if (countJobs(source) >= perSourceLimit) return throttled(1000);
    const sources = new Set([source]);
    const verdict = verifyHeld(question, digest, sources, surelyWrong).finally(() => jobs.delete(id));
    jobs.set(id, { sources, verdict });
    return verdict;
  }

  function countJobs(source: string): number {
    return [...jobs.values()].filter((job) => job.sources.has(source)).length;
  }

  async function verifyHeld(
    question: Question,
    digest: Buffer,
    sources: Set<string>,
    counted: boolean,
  ): Promise<Verdict> {
    const { account, password, text } = question;
    const heldMs = attempts.holdMs(account);
    if (heldMs > 0) await clock.sleep(heldMs);
    const matched = await lane.run(() => verify(password?.hash ?? decoy, text));
    if (matched === "full") return throttled(1000);
    if (!matched || !password) {
      attempts.countAccount(account);
      if (!counted) for (const source of sources) attempts.countSource(source, account);
      return { kind: "wrong" };
    }
    return admit(question, password, digest, sources);
  }

  /** The secret may have changed while it was verified: what was right then opens nothing now. */
  function admit(
    { account, secret }: Question,
    password: Password,
    digest: Buffer,
    sources: Set<string>,
  ): Verdict {
    const current = secret === undefined ? undefined : passwords().get(secret);
    if (secret === undefined || !current || !isSame(current, password)) return throttled(1000);
    right.set(secret, { password, digest });
    for (const source of sources) attempts.forgive(source, account);
    return { kind: "ok", version: password.version };
  }

  function recall(secret: string, candidate: string): number | undefined {
    const question = ask({ source: "", secret, candidate });
    const known = findRight(question);
    const isRight = known && !isTooLong(question.text) && timingSafeEqual(known, digestOf(question));
    return isRight ? question.password?.version : undefined;
  }

  return { check, recall };
}

function throttled(waitMs: number): Verdict {
  return { kind: "throttled", retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
}

function isSame(one: Password, other: Password): boolean {
  return one.version === other.version && one.hash === other.hash;
}
