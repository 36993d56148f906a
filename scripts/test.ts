// The one test command: every check of the checkout and every test. Arguments choose files, as vitest takes them.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const { PYTHONDONTWRITEBYTECODE: _, ...env } = process.env; // it slows every Python start
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const { status } = spawnSync(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
  cwd: root,
  env: { ...env, NODE_OPTIONS: "--disable-warning=ExperimentalWarning" },
  stdio: "inherit",
});
process.exitCode = status ?? 1;
