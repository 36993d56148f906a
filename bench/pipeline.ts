// A pipeline beside the same commands in a shell script: `node bench/pipeline.ts [ROUNDS]`, 7 unless said.
// Both do lint, test and train-and-validate in a clean copy of the commit, with the same Python environment.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const rounds = Math.max(3, Number(process.argv[2] ?? 7));
const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "sesta-bench-pipeline-"));
const cache = join(tmpdir(), "sesta-bench-cache");
const { PYTHONDONTWRITEBYTECODE: _, ...inherited } = process.env;
const env = { ...inherited, SESTA_CACHE: cache };

const files: Record<string, string> = {
  "requirements.txt": "flake8\npytest\nscikit-learn\n",
  "src/__init__.py": "",
  "src/tests/__init__.py": "",
  "src/model.py": `"""The model."""
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score


def score():
    """Of five folds."""
    data, target = load_iris(return_X_y=True)
    model = RandomForestClassifier(n_estimators=100, random_state=1)
    return cross_val_score(model, data, target).mean()
`,
  "src/validate.py": `"""Prints the accuracy."""
from src.model import score

print(f"accuracy: {score()}")
`,
  "src/tests/test_model.py": `from src.model import score


def test_score():
    assert score() > 0.9
`,
  "sesta.yaml": `name: bench
pipelines:
  iris:
    lint: { run: flake8 --max-line-length 100 src, requirements: requirements.txt }
    test: { run: pytest -q src/tests, requirements: requirements.txt, env: { PYTHONPATH: . }, needs: [lint] }
    model-validate:
      run: python -m src.validate
      requirements: requirements.txt
      needs: [test]
      metric: { name: accuracy, pattern: 'accuracy: ([0-9.]+)', min: 0.9 }
`,
};
for (const [name, text] of Object.entries(files)) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}
const git = (...operands: string[]) =>
  execFileSync("git", ["-C", folder, "-c", "user.name=B", "-c", "user.email=b@example.org", ...operands]);
git("init", "--quiet");
git("add", "--all");
git("commit", "--quiet", "--message", "bench");
run([process.execPath, join(root, "scripts", "build.ts")]);

const sesta = (...argv: string[]) => [
  process.execPath,
  join(root, "dist", "main.js"),
  "pipeline",
  "run",
  ...argv,
];
run(sesta()); // the environment, and compiled code
const environments = join(folder, ".sesta", "pipelines", "environments");
const [environment = ""] = readdirSync(environments).filter((name) => !name.includes("."));
const script = `set -e
for stage in lint test validate; do
  tree=$(mktemp -d)
  git archive HEAD | tar -x -C "$tree"
  cd "$tree"
  case $stage in
    lint) flake8 --max-line-length 100 src ;;
    test) PYTHONPATH=. pytest -q src/tests ;;
    validate) python -m src.validate ;;
  esac
  cd "$OLDPWD"
  rm -rf "$tree"
done`;
const path = `${join(environments, environment, "bin")}:${process.env["PATH"] ?? ""}`;

const subjects: [string, string[], NodeJS.ProcessEnv][] = [
  ["shell script", ["sh", "-c", script], { ...env, PATH: path }],
  ["sesta --no-cache", sesta("--no-cache"), env],
  ["sesta, all cached", sesta(), env],
  ["node -e 0", [process.execPath, "-e", "0"], env],
];
const times = subjects.map((): number[] => []);
for (let round = 0; round < rounds; round++)
  subjects.forEach(([, argv, variables], index) => times[index]?.push(run(argv, variables)));
rmSync(folder, { recursive: true });

console.log(`${rounds} rounds, interleaved; milliseconds: minimum/median/maximum`);
subjects.forEach(([name], index) => {
  const sorted = (times[index] ?? []).toSorted((a, b) => a - b);
  const figures = [sorted[0], median(sorted), sorted.at(-1)].map((ms) => (ms ?? Number.NaN).toFixed(0));
  console.log(`${name.padEnd(20)} ${figures.join("/")}`);
});
// Each round beside its own script: the machine's noise is in both.
const overheads = (times[1] ?? []).map((ms, round) => (100 * ms) / (times[0]?.[round] ?? Number.NaN) - 100);
const overhead = median(overheads.toSorted((a, b) => a - b));
const cached = median((times[2] ?? []).toSorted((a, b) => a - b));
console.log(
  `overhead, median of rounds: ${overhead.toFixed(1)} %  goal 5: ${overhead < 5 ? "met" : "missed"}`,
);
console.log(`all cached: ${cached.toFixed(0)} ms  goal 300: ${cached < 300 ? "met" : "missed"}`);

function run([program = "", ...operands]: string[], variables: NodeJS.ProcessEnv = env): number {
  const began = performance.now();
  const { status, stderr, stdout } = spawnSync(program, operands, {
    cwd: folder,
    env: variables,
    encoding: "utf8",
  });
  const took = performance.now() - began;
  if (status !== 0) throw new Error(`${program} ${operands.join(" ")}: ${stdout}${stderr}`);
  return took;
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
