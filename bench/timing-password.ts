// T3: does an unknown account answer as fast as a wrong password? Interleaved samples, medians, a rank test.
// Run: node bench/timing-password.ts [samples of each kind, 1000 unless said]
import { randomBytes } from "node:crypto";
import { systemClock } from "../src/base/clock.ts";
import { createGate } from "../src/front/gate.ts";
import { hashPassword } from "../src/front/password.ts";

const samples = Number(process.argv[2] ?? 1000);
const unheld = {
  blockedMs: () => 0,
  holdMs: () => 0,
  countSource() {},
  countAccount() {},
  forgive() {},
  size: () => 0,
};
const password = { hash: await hashPassword("right"), version: 1 };
const passwords = new Map([["team", password]]);
const gate = createGate({ clock: systemClock, passwords: () => passwords, attempts: unheld });
await gate.check({ source: "owner", secret: "team", candidate: "right" });

const known: number[] = [];
const unknown: number[] = [];
for (let index = 0; index < samples; index++) {
  const pair = [() => measure("team", known), () => measure(undefined, unknown)];
  for (const run of index % 2 === 0 ? pair : pair.toReversed()) await run();
}
const difference = (median(unknown) / median(known) - 1) * 100;
const p = rankTest(known, unknown);
const passed = Math.abs(difference) <= 5 && p > 0.01;
console.log(`known   median ${median(known).toFixed(2)} ms of ${samples}`);
console.log(`unknown median ${median(unknown).toFixed(2)} ms of ${samples}`);
console.log(
  `difference ${difference.toFixed(2)} %, Mann-Whitney p ${p.toFixed(3)}: ${passed ? "passed" : "failed"}`,
);
process.exitCode = passed ? 0 : 1;

async function measure(secret: string | undefined, into: number[]): Promise<void> {
  const candidate = randomBytes(12).toString("hex");
  const start = performance.now();
  await gate.check({ source: "guesser", account: secret ?? "ghost", secret, candidate });
  into.push(performance.now() - start);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Two-sided p of the Mann-Whitney U test, by the normal approximation; ties do not occur in times this fine. */
function rankTest(one: readonly number[], other: readonly number[]): number {
  const all = [
    ...one.map((value) => ({ value, first: true })),
    ...other.map((value) => ({ value, first: false })),
  ];
  all.sort((a, b) => a.value - b.value);
  const ranks = all.reduce((sum, { first }, index) => sum + (first ? index + 1 : 0), 0);
  const [n, m] = [one.length, other.length];
  const u = ranks - (n * (n + 1)) / 2;
  const z = Math.abs(u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
  return 2 * (1 - normal(z));
}

/** Abramowitz and Stegun 7.1.26 for the error function, to 1.5e-7. */
function normal(z: number): number {
  const x = z / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return 0.5 * (2 - series * Math.exp(-x * x));
}
