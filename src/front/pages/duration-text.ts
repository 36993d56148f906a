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
