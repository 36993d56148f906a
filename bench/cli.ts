// How long a command takes to start, beside the start of Node itself: `node bench/cli.ts [ROUNDS]`, 21 unless said.
// The bundled form is built first; the sources, which nobody installs, stand beside it for information.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const rounds = Math.max(15, Number(process.argv[2] ?? 21));
const goalMs = 60;
const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "sesta-bench-cli-"));
writeFileSync(join(folder, "sesta.yaml"), "name: bench\nworkloads:\n  notebook: { type: lab }\n");

const bundled = [join(root, "dist", "main.js")];
const sources = ["--disable-warning=ExperimentalWarning", join(root, "src", "main.ts")];
const subjects: readonly [name: string, argv: readonly string[], isMeasured: boolean][] = [
  ["node -e 0", ["-e", "0"], false],
  ["sesta --version", [...bundled, "--version"], true],
  ["sesta status", [...bundled, "status"], true],
  ["sources: sesta --version", [...sources, "--version"], false],
  ["sources: sesta status", [...sources, "status"], false],
];

run([join(root, "scripts", "build.ts")], root);
const times = subjects.map((): number[] => []);
for (let round = -2; round < rounds; round++) {
  subjects.forEach(([, argv], index) => {
    const took = run(argv, folder);
    if (round >= 0) times[index]?.push(took); // the first two fill the caches
  });
}
rmSync(folder, { recursive: true });

const base = spread(times[0] ?? []);
console.log(
  `${rounds} rounds, interleaved; milliseconds: minimum/median/maximum; more than \`node -e 0\` (minimum, median)`,
);
subjects.forEach(([name, , isMeasured], index) => {
  const { minimum, median, maximum } = spread(times[index] ?? []);
  const more = [minimum - base.minimum, median - base.median];
  const verdict = isMeasured ? `  goal ${goalMs}: ${(more[1] ?? Infinity) <= goalMs ? "met" : "missed"}` : "";
  const figures = [minimum, median, maximum].map((ms) => ms.toFixed(0)).join("/");
  console.log(
    `${name.padEnd(26)} ${figures.padEnd(14)} +${more.map((ms) => ms.toFixed(0)).join(" +")}${verdict}`,
  );
});

function run(argv: readonly string[], cwd: string): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, argv, {
    cwd,
    env: { ...process.env, SESTA_CACHE: join(folder, "cache") },
    encoding: "utf8",
  });
  const took = performance.now() - began;
  if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
  return took;
}

function spread(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return { minimum: at(0), median: at(0.5), maximum: at(1) };
}
