// Prints what was measured: minimum, median and maximum of each peer, and how the door stands beside it.

export type Round = { rate: number; p50Ms: number; p99Ms: number; cpuUs: number; rssBytes: number };

/** Peers in the order of `results`; "direct" is no proxy, "sesta" the one that is compared. */
export function buildTable(results: ReadonlyMap<string, readonly Round[]>, unit: string): string {
  const of = (name: string, key: keyof Round) => (results.get(name) ?? []).map((round) => round[key]);
  const own = median(of("sesta", "rate"));
  const ownCpu = median(of("sesta", "cpuUs"));
  const rows = [...results.keys()].map((name) => [
    name,
    spread(of(name, "rate"), 0),
    median(of(name, "p50Ms")).toFixed(2),
    spread(of(name, "p99Ms"), 1),
    name === "direct" ? "" : median(of(name, "cpuUs")).toFixed(1),
    name === "direct" ? "" : (Math.max(...of(name, "rssBytes")) / 1e6).toFixed(0),
    name === "sesta" ? "" : `${(own / median(of(name, "rate"))).toFixed(2)}x`,
    name === "sesta" || name === "direct" ? "" : `${(ownCpu / median(of(name, "cpuUs"))).toFixed(2)}x`,
  ]);
  const heads = [
    "",
    `${unit} min/median/max`,
    "p50 ms",
    "p99 ms min/median/max",
    "CPU us each",
    "RSS MB max",
    "sesta's rate",
    "its CPU",
  ];
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [heads, ...rows]
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .join("\n");
}

function spread(values: readonly number[], digits: number): string {
  return [Math.min(...values), median(values), Math.max(...values)]
    .map((value) => value.toFixed(digits))
    .join("/");
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
