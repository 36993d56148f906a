// Pins the Python packages that Sesta itself needs: `node scripts/lock.ts [--upgrade]`, with uv on PATH.
// Run `node scripts/generate.ts` afterwards: the locks go into the program as strings.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildLock } from "../src/commands/uv.ts";

const folders = [
  "src/workloads/lab/",
  "src/machine/ansible/current/",
  "src/machine/ansible/older/",
  "src/workloads/service/convert/",
  "src/workloads/tracker/",
];
/** The oldest Python, where it is not the oldest that Sesta knows. */
const oldest: Readonly<Record<string, string>> = { "src/workloads/service/convert/": "3.11" };
const root = fileURLToPath(new URL("../", import.meta.url));
const upgrade = process.argv.includes("--upgrade");

for (const folder of folders) {
  const [program, ...operands] = buildLock(
    "uv",
    "requirements.in",
    "requirements.txt",
    upgrade,
    oldest[folder],
  );
  const { status, error } = spawnSync(program, operands, {
    cwd: root + folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (error) console.error(`${program}: ${error.message}`);
  if (status !== 0) process.exit(1);
  console.error(`pinned ${folder}requirements.txt`);
}
