// `sesta awake`: keeps a workload awake for a time, or lets go of it.
import { SestaError } from "../../base/errors.ts";
import { findDurationMs } from "../../model/duration.ts";
import { hold, letGo } from "../../operations/hold.ts";
import { formatMs, formatTime } from "../durations.ts";
import { createReporter } from "../progress.ts";
import type { Session, Verb } from "../session.ts";

type Flags = { for?: string | undefined; reason?: string | undefined; untilIdle?: boolean | undefined };

const longestMs = 365 * 86_400_000;
const longestReason = 200;

export const awake: Verb<Flags, [string]> = async (session, flags, name) => {
  const forMs = readFlags(flags, name);
  const context = await session.open();
  const { terminal, world } = session;
  const { report, wasHeld } =
    forMs === null
      ? await letGo(context, name)
      : {
          wasHeld: true,
          report: await shown(session, (show) =>
            hold(context, name, { forMs, reason: flags.reason?.trim() || null }, ({ state, phase }) =>
              show(`${name}: ${phase ?? state}`),
            ),
          ),
        };
  const iso = (at: number | null | undefined) => (at == null ? null : new Date(at).toISOString());
  const { state, hold: held, sleepsAt } = report;
  if (flags.json) {
    return session.json({
      name,
      state,
      held_until: iso(held?.until),
      reason: held?.reason ?? null,
      sleeps_at: iso(sleepsAt),
    });
  }
  if (held) {
    const reason = held.reason === null ? "" : `: ${held.reason}`;
    return terminal.out(`${name} stays awake at least until ${formatTime(held.until)}${reason}\n`);
  }
  const asleep = state === "awake" ? "sleeps by itself when nobody uses it" : `is ${state}`;
  const left =
    sleepsAt === null ? "" : `, in ${formatMs(Math.max(0, sleepsAt - world.clock.now()))} at the earliest`;
  terminal.out(`${name} ${wasHeld ? "is held no more" : "was not held"}: it ${asleep}${left}\n`);
};

/** For how long; null lets go. @throws SestaError USAGE */
function readFlags({ for: text, reason, untilIdle }: Flags, name: string): number | null {
  const wrong = (message: string) =>
    new SestaError("USAGE", message, {
      hint: `Examples: sesta awake ${name} --for 3h --reason "training", sesta awake ${name} --until-idle.`,
    });
  if (text !== undefined && untilIdle) throw wrong("--for holds it, --until-idle lets go: use one of them");
  if (untilIdle && reason !== undefined) throw wrong("--reason goes with --for");
  if (untilIdle) return null;
  if (text === undefined) throw wrong("for how long?");
  if (reason !== undefined && (reason.length > longestReason || /\p{Cc}/u.test(reason)))
    throw wrong(`--reason is one line of at most ${longestReason} characters`);
  const ms = findDurationMs(text);
  if (ms === undefined || ms < 1_000 || ms > longestMs)
    throw wrong(`--for expects a duration like 3h, from 1s to 365d, got "${text}"`);
  return ms;
}

async function shown<T>(
  { terminal, world }: Session,
  work: (show: (text: string) => void) => Promise<T>,
): Promise<T> {
  const reporter = createReporter(terminal, world.clock);
  try {
    return await work(reporter.show);
  } finally {
    reporter.end();
  }
}
