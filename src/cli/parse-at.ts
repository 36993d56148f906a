// What `--at` means: a commit, a time, or how long ago.
import { SestaError } from "../base/errors.ts";
import { findDurationMs } from "../model/duration.ts";

const localTime = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?$/;
const zonedTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/;

/**
 * A commit as it is (7 to 40 hex digits), or wall milliseconds. A time without a zone is the user's own; a day alone
 * means its end.
 * @throws SestaError USAGE
 */
export function parseAt(text: string, now: number): string | number {
  if (/^[0-9a-f]{7,40}$/i.test(text)) return text.toLowerCase();
  const ago = findDurationMs(text);
  if (ago !== undefined) return now - ago;
  const at = zonedTime.test(text) ? Date.parse(text) : parseLocal(text);
  if (!Number.isNaN(at)) return at;
  throw new SestaError("USAGE", `--at "${text}" is no commit, time or duration`, {
    hint: 'Examples: --at 2h, --at "2026-11-20 14:00", --at 2026-11-20T14:00:00Z, --at 3f9c2d1.',
  });
}

function parseLocal(text: string): number {
  const found = localTime.exec(text);
  if (!found) return Number.NaN;
  const [year = 0, month = 0, day = 0] = found.slice(1, 4).map(Number);
  const isDay = found[4] === undefined;
  const [hour = 0, minute = 0, second = 0] = found.slice(4, 7).map((part) => Number(part ?? 0));
  const at = new Date(year, month - 1, isDay ? day + 1 : day, hour, minute, second);
  const real = new Date(year, month - 1, day);
  // Date turns the 31st of November into the first of December.
  const exists =
    real.getMonth() === month - 1 && real.getDate() === day && hour < 24 && minute < 60 && second < 60;
  return exists ? at.getTime() - (isDay ? 1 : 0) : Number.NaN;
}
