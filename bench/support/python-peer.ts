// A peer from PyPI in an environment of its own, made once below the temporary folder, with its bytecode compiled.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anyPython, buildVenv, findUserInstall, uvVariables } from "../../src/commands/uv.ts";

/** Kept from one measure to the next. */
export function makeCache(): string {
  const cache = join(tmpdir(), `sesta-bench-${process.getuid?.() ?? "user"}`);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  return cache;
}

/** `uv venv; uv pip install --compile-bytecode`. @returns the environment's folder */
export function makePythonPeer(uv: string, packages: readonly string[]): string {
  const cache = makeCache();
  const digest = createHash("sha256").update(packages.join(" ")).digest("hex").slice(0, 12);
  const path = join(cache, `peer-${digest}`);
  if (existsSync(join(path, "complete"))) return path;
  run(buildVenv(uv, anyPython, path));
  const noLock = join(cache, "no-constraints.txt");
  writeFileSync(noLock, "");
  const install = findUserInstall(uv, path, noLock, { packages });
  if (install) run(install);
  writeFileSync(join(path, "complete"), "");
  return path;
}

function run([program, ...operands]: readonly [string, ...string[]]): void {
  const ran = spawnSync(program, operands, { env: { ...process.env, ...uvVariables }, encoding: "utf8" });
  if (ran.status !== 0) throw ran.error ?? new Error(`${program} ${operands[0]}: ${ran.stderr}`);
}
