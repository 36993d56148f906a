// The simulator's results as a table: each rule under each kind of person, beside the oracle.
import type { Outcome } from "./simulate.ts";

export function formatTable(
  weeks: number,
  results: ReadonlyMap<string, ReadonlyMap<string, Outcome>>,
): string {
  const head = "hours/week  of oracle   code cut (hours lost)   people cut   wakes/week";
  const blocks = [...results, ["all together", sumKinds(results)] as const].map(([kind, outcomes]) => {
    const oracleMs = outcomes.get("oracle")?.awakeMs ?? Number.NaN;
    const rows = [...outcomes].map(([rule, outcome]) => formatRow(rule, outcome, weeks, oracleMs));
    return [`${kind.padEnd(34)} ${head}`, ...rows].join("\n");
  });
  return blocks.join("\n\n");
}

export function add(a: Outcome, b: Outcome): Outcome {
  return {
    awakeMs: a.awakeMs + b.awakeMs,
    cutCode: a.cutCode + b.cutCode,
    cutCodeMs: a.cutCodeMs + b.cutCodeMs,
    cutPeople: a.cutPeople + b.cutPeople,
    wakes: a.wakes + b.wakes,
  };
}

export const nothing: Outcome = { awakeMs: 0, cutCode: 0, cutCodeMs: 0, cutPeople: 0, wakes: 0 };

function sumKinds(results: ReadonlyMap<string, ReadonlyMap<string, Outcome>>): ReadonlyMap<string, Outcome> {
  const sums = new Map<string, Outcome>();
  for (const outcomes of results.values()) {
    for (const [rule, outcome] of outcomes) sums.set(rule, add(sums.get(rule) ?? nothing, outcome));
  }
  return sums;
}

function formatRow(rule: string, outcome: Outcome, weeks: number, oracleMs: number): string {
  const { awakeMs, cutCode, cutCodeMs, cutPeople, wakes } = outcome;
  const hours = (ms: number) => (ms / 3_600_000).toFixed(1);
  return [
    `  ${rule}`.padEnd(34),
    hours(awakeMs / weeks).padStart(11),
    `${((awakeMs / oracleMs) * 100).toFixed(1)} %`.padStart(11),
    `${cutCode} (${hours(cutCodeMs)})`.padStart(24),
    String(cutPeople).padStart(12),
    (wakes / weeks).toFixed(1).padStart(12),
  ].join(" ");
}
