// Hands the tokens with which saves reach their remotes to the agent. Neither of the two writes one down.
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { protect } from "../base/redact.ts";
import type { Report } from "../model/status.ts";

export type Tokens = {
  /** The value of a secret as the command line knows it; kept in memory and handed on. */
  tell(secret: string, value: string): Promise<void>;
  /** A report has come; where its agent lacks the token, it gets it, now or as soon as it can be had. */
  reported(report: Report): void;
  /** The files of these secrets have changed. */
  changed(secrets: ReadonlySet<string>): Promise<void>;
};

export type TokensContext = {
  /** The secret that holds a workload's token, of every workload that saves with one. */
  list(): ReadonlyMap<string, string>;
  /** Whether this secret's value cannot change behind what was told: all but files. */
  trustsTold(secret: string): boolean;
  /** @throws SestaError when there is no such secret, or no value */
  resolve(secret: string): Promise<string>;
  hand(workload: string, value: string): Promise<unknown>;
  needs(workload: string): boolean;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
};

/** A command that failed may ask its owner something each time, so it is not run again soon. */
const retryMs = 300_000;

export function createTokens(context: TokensContext): Tokens {
  const { list, clock, log, signal } = context;
  const told = new Map<string, string>();
  const trying = new Set<string>();

  async function supply(workload: string, secret: string): Promise<boolean> {
    try {
      const known = context.trustsTold(secret) ? told.get(secret) : undefined;
      await context.hand(workload, known ?? (await context.resolve(secret)));
      return true;
    } catch (error) {
      log.warn("token not handed over", { workload, error: messageOf(error) });
      return false;
    }
  }

  async function supplyAll(secrets: ReadonlySet<string>): Promise<void> {
    for (const [workload, secret] of list()) if (secrets.has(secret)) await supply(workload, secret);
  }

  async function keepTrying(workload: string): Promise<void> {
    if (trying.has(workload)) return;
    trying.add(workload);
    while (!signal.aborted && context.needs(workload)) {
      const secret = list().get(workload);
      if (secret === undefined || (await supply(workload, secret))) break;
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
    trying.delete(workload);
  }

  return {
    async tell(secret, value) {
      protect(value);
      told.set(secret, value);
      await supplyAll(new Set([secret]));
    },
    reported({ name, save }) {
      if (save?.needsToken) void keepTrying(name);
    },
    changed: supplyAll,
  };
}
