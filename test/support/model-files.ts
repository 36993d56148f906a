// Models for tests: trained once with the real scikit-learn, from the converter's own lock, and kept between runs.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildLockedInstall, buildVenv, uvVariables } from "../../src/commands/uv.ts";
import { buildConverterEnvironment, convertFiles } from "../../src/workloads/service/convert-model.ts";
import { findUv, makeTestFolder, run } from "./lab-environment.ts";

export type ModelFiles = { python: string; script: string; folder: string };

/** A sentence instead where there is no uv, Python or PyPI. */
export function findModelFiles(): ModelFiles | string {
  const root = makeTestFolder();
  const uv = findUv(root);
  if (uv === undefined) return "uv is not on PATH and `python3 -m pip` could not install it";
  const { locked, python: versions } = buildConverterEnvironment(undefined);
  const training = readFileSync(new URL("train-models.py", import.meta.url), "utf8");
  const environment = join(root, `convert-${digest(locked)}`);
  const python = join(environment, "bin", "python");
  const lockFile = join(root, `convert-${digest(locked)}.txt`);
  writeFileSync(lockFile, locked);
  if (!existsSync(environment)) {
    // Two test files may do this at once; whoever is later takes what is there.
    const fresh = `${environment}.${process.pid}`;
    const failed = run(buildVenv(uv, versions, fresh)) ?? run(buildLockedInstall(uv, fresh, lockFile));
    if (failed !== undefined) return `the converter's environment could not be made: ${failed}`;
    settle(fresh, environment);
  }
  const script = join(root, `convert-${digest(convertFiles["convert.py"] ?? "")}.py`);
  writeFileSync(script, convertFiles["convert.py"] ?? "");
  const folder = join(root, `models-${digest(locked + training)}`);
  if (existsSync(folder)) return { python, script, folder };
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh);
  const failed = run([python, new URL("train-models.py", import.meta.url).pathname, fresh]);
  if (failed !== undefined) return `the models could not be trained: ${failed}`;
  for (const name of ["logistic", "names", "diabetes"]) {
    const output = join(fresh, `${name}.onnx`);
    const ran = spawnSync(python, [script, join(fresh, `${name}.pkl`), output], {
      env: { ...process.env, ...uvVariables },
    });
    if (ran.status !== 0) return `${name} could not be converted: ${ran.stdout}${ran.stderr}`;
  }
  settle(fresh, folder);
  return { python, script, folder };
}

function settle(fresh: string, path: string): void {
  if (existsSync(path)) rmSync(fresh, { recursive: true });
  else renameSync(fresh, path);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
