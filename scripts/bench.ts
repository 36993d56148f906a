// Runs one measure of bench/ by its name, as its users would start Python: with compiled bytecode.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..", "bench");
const [name = "", ...operands] = process.argv.slice(2);
const file = join(folder, `${name}.ts`);
if (!/^[a-z-]+$/.test(name) || !existsSync(file)) {
  const names = readdirSync(folder).flatMap((entry) => (entry.endsWith(".ts") ? [entry.slice(0, -3)] : []));
  console.error(`usage: npm run bench NAME [ARGUMENTS]; names: ${names.join(", ")}`);
  process.exit(2);
}
const { PYTHONDONTWRITEBYTECODE: _, ...env } = process.env;
const { status } = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", file, ...operands], {
  env,
  stdio: "inherit",
});
process.exitCode = status ?? 1;
