// moto's server in an environment of its own, from PyPI, kept between runs.
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { anyPython, buildVenv } from "../../src/commands/uv.ts";
import { findUv, makeTestFolder, run } from "./lab-environment.ts";

/** @param services of AWS, as moto's extras: "s3" @returns the path of its Python, or why there is none */
export function findMoto(...services: readonly string[]): { python: string } | string {
  const folder = makeTestFolder();
  const uv = findUv(folder);
  if (uv === undefined) return "uv is not on PATH and `python3 -m pip` could not install it";
  const requirement = `moto[${[...services, "server"].join(",")}]==5.2.5`;
  const path = join(folder, requirement.replaceAll(/\W+/g, "-"));
  const found = { python: join(path, "bin", "python") };
  if (existsSync(join(path, "complete"))) return found;
  const fresh = `${path}.${process.pid}`;
  const failed =
    run(buildVenv(uv, anyPython, fresh)) ??
    run([uv, "pip", "install", "--python", join(fresh, "bin", "python"), "--", requirement]);
  if (failed !== undefined) return `${requirement} could not be installed: ${failed}`;
  writeFileSync(join(fresh, "complete"), "");
  rmSync(path, { recursive: true, force: true });
  renameSync(fresh, path);
  return found;
}
