// Hands the tokens with which saves reach their remotes, and the passphrases of backups, to the agent. Neither of the two writes one down.
import type { Clock } from "../base/clock.ts";
import { messageOf, SestaError } from "../base/errors.ts";
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
  /** Resolves a workload's token, by what was told of its secret where there is no other way, and hands it over. */
  supply(workload: string, told: ReadonlyMap<string, string>): Promise<void>;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
};

/** A command that failed may ask its owner something each time, so it is not run again soon. */
const secretRetryMs = 300_000;
const agentRetryMs = 3_000;

export function createTokens(context: TokensContext): Tokens {
  const { list, clock, log, signal } = context;
  const told = new Map<string, string>();
  /** Workloads whose token is being got, with how to end the wait for another try. */
  const naps = new Map<string, AbortController>();

  /** Milliseconds until another try makes sense; undefined when it is done. */
  async function supply(workload: string, isRepeated = false): Promise<number | undefined> {
    try {
      await context.supply(workload, told);
      return undefined;
    } catch (error) {
      if (!isRepeated) log.warn("token not handed over", { workload, error: messageOf(error) });
      return isAboutSecret(error) ? secretRetryMs : agentRetryMs;
    }
  }

  async function supplyAll(secrets: ReadonlySet<string>): Promise<void> {
    for (const [workload, secret] of list()) if (secrets.has(secret)) await supply(workload);
  }

  async function keepTrying(workload: string): Promise<void> {
    if (naps.has(workload)) return;
    const nap = new AbortController();
    naps.set(workload, nap);
    for (let tries = 0; !signal.aborted && !nap.signal.aborted && list().has(workload); tries++) {
      const retryMs = await supply(workload, tries > 0);
      if (retryMs === undefined) break;
      await clock.sleep(retryMs, AbortSignal.any([signal, nap.signal])).catch(() => undefined);
    }
    naps.delete(workload);
  }

  return {
    async tell(secret, value) {
      protect(value);
      told.set(secret, value);
      await supplyAll(new Set([secret]));
    },
    reported({ name, save, backup }) {
      if (save?.needsToken || backup?.needsPassphrase) void keepTrying(name);
      else naps.get(name)?.abort();
    },
    changed: supplyAll,
  };
}

function isAboutSecret(error: unknown): boolean {
  return error instanceof SestaError && (error.code === "SECRET_MISSING" || error.code === "SECRET_COMMAND");
}
