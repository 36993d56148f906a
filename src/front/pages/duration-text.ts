// Spans of time in the words that pages use.

/** For things that change slowly: "under a minute", "12 min", "5 h 20 min", "3 days". */
export function describeSpan(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  if (minutes < 1) return "under a minute";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** For a wait that somebody watches: "8 s", "1 min 5 s". */
export function describeWait(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds >= 3600) return describeSpan(ms);
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** How long a step took: "0.4 s", "12 s". */
export function describeTaken(ms: number): string {
  return ms < 10_000 ? `${(Math.max(1, Math.floor(ms / 100)) / 10).toFixed(1)} s` : describeWait(ms);
}

/** An estimate, no finer than it deserves: "5 s", "about 25 s", "about 2 min". */
export function describeEstimate(seconds: number): string {
  if (seconds <= 10) return `${Math.max(1, Math.ceil(seconds))} s`;
  if (seconds <= 90) return `about ${Math.ceil(seconds / 5) * 5} s`;
  return `about ${Math.ceil(seconds / 60)} min`;
}

/** "just now", "12 min ago". */
export function describeAgo(ms: number): string {
  return ms < 60_000 ? "just now" : `${describeSpan(ms)} ago`;
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const weekMs = 6 * 24 * 3_600_000;

/** A time of the reader's own clock: "18:00" on the day of `now`, "Sat 18:00" within days, else "5 Jan 18:00". */
export function describeClock(at: number, now: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "an unknown time";
  const time = `${date.getHours()}`.padStart(2, "0") + ":" + `${date.getMinutes()}`.padStart(2, "0");
  if (date.toDateString() === new Date(now).toDateString()) return time;
  if (Math.abs(at - now) < weekMs) return `${days[date.getDay()]} ${time}`;
  return `${date.getDate()} ${months[date.getMonth()]} ${time}`;
}
