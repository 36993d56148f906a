// A lab's environment for tests: made once with uv from the lock, kept between runs under the system's temporary folder.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anyPython, buildLockedInstall, buildVenv, uvVariables } from "../../src/commands/uv.ts";
import { lockedRequirements } from "../../src/workloads/lab/files.gen.ts";

export type TestEnvironment = { uv: string; path: string; lockFile: string };

/** A sentence instead of an environment when it cannot be made here: no Python, or no way to PyPI. */
export function findLabEnvironment(): TestEnvironment | string {
  const folder = makeTestFolder();
  const uv = findUv(folder);
  if (uv === undefined) return "uv is not on PATH and `python3 -m pip` could not install it";
  const path = join(
    folder,
    `lab-${createHash("sha256").update(lockedRequirements).digest("hex").slice(0, 16)}`,
  );
  const lockFile = join(path, "lock.txt");
  if (existsSync(join(path, "complete"))) return { uv, path, lockFile };
  const failed =
    run(buildVenv(uv, anyPython, path)) ?? writeLock(lockFile) ?? run(buildLockedInstall(uv, path, lockFile));
  if (failed !== undefined) return `the lab's environment could not be made: ${failed}`;
  writeFileSync(join(path, "complete"), "");
  return { uv, path, lockFile };
}

/** Kept between runs: what takes long to make. */
export function makeTestFolder(): string {
  const folder = join(tmpdir(), `sesta-test-${process.getuid?.() ?? "user"}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Installed where it is missing; undefined where that cannot be done. */
export function findUv(folder = makeTestFolder()): string | undefined {
  const own = join(folder, "uv");
  const works = () => ["uv", join(own, "bin", "uv")].find((uv) => run([uv, "--version"]) === undefined);
  const found = works();
  if (found !== undefined) return found;
  const fresh = `${own}.${process.pid}`;
  if (run(["python3", "-m", "pip", "install", "--quiet", "--target", fresh, "uv==0.13.8"]) !== undefined)
    return undefined;
  rmSync(own, { recursive: true, force: true });
  renameSync(fresh, own);
  return works();
}

function writeLock(path: string): undefined {
  writeFileSync(path, lockedRequirements);
}

/** Undefined when it worked, else the last line it printed. */
export function run([program, ...operands]: readonly [string, ...string[]]): string | undefined {
  const ran = spawnSync(program, operands, { env: { ...process.env, ...uvVariables }, encoding: "utf8" });
  if (ran.status === 0) return undefined;
  return ran.error?.message ?? ran.stderr.trim().split("\n").at(-1) ?? `exit code ${ran.status}`;
}
