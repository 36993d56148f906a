// Takes a replica that fails one request after the other out of its turn for a while, but never the last one.
import type { Clock } from "../../base/clock.ts";
import type { Member } from "./member.ts";

export type OutlierOptions = {
  /** Refused, reset, silent for too long or no HTTP, this often without an answer in between. */
  failures: number;
  /** Answers of 500 and above in a row, while another replica gives others; 0: they tell nothing. */
  errors: number;
  /** The first ejection; each further one lasts twice as long. */
  firstMs: number;
  longestMs: number;
};

export type OutlierRule = {
  /** How many members were ever ejected: while it is 0 nobody needs to look at the clock. */
  ejections: number;
  answered(member: Member, status: number, members: readonly Member[], clock: Clock): void;
  failed(member: Member, members: readonly Member[], clock: Clock): void;
};

const defaults: OutlierOptions = { failures: 3, errors: 10, firstMs: 5_000, longestMs: 300_000 };

export function createOutlierRule(options: Partial<OutlierOptions> = {}): OutlierRule {
  const { failures, errors, firstMs, longestMs } = { ...defaults, ...options };

  const eject = (member: Member, members: readonly Member[], now: number) => {
    const stays = (one: Member) => one !== member && one.healthy && one.ejectedUntil <= now;
    if (member.ejectedUntil > now || !members.some(stays)) return;
    const lasts = Math.min(longestMs, firstMs * 2 ** member.ejections);
    member.ejectedUntil = now + lasts;
    member.ejections += 1;
    member.errorsInRow = 0;
    rule.ejections += 1;
  };

  const rule: OutlierRule = {
    ejections: 0,
    answered(member, status, members, clock) {
      if (status >= 500) {
        member.errorsInRow += 1;
        const othersDoWell = members.some(
          (one) => one !== member && one.requests > 0 && one.errorsInRow === 0,
        );
        if (errors > 0 && member.errorsInRow >= errors && othersDoWell)
          eject(member, members, clock.monotonic());
        return;
      }
      member.errorsInRow = 0;
      if (member.failuresInRow === 0 && member.ejections === 0) return;
      member.failuresInRow = 0;
      // It does well again: as long as it was out for, and its record is clean.
      if (member.ejections > 0 && clock.monotonic() - member.ejectedUntil > firstMs * 2 ** member.ejections)
        member.ejections = 0;
    },
    failed(member, members, clock) {
      member.failures += 1;
      member.failuresInRow += 1;
      // One that comes back and fails at once is out again: it has not answered since.
      if (member.failuresInRow >= failures) eject(member, members, clock.monotonic());
    },
  };
  return rule;
}
