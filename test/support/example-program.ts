// The programs of the examples by themselves: a copy of their folder, a Python that has what they import, one run.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { anyPython, buildVenv } from "../../src/commands/uv.ts";
import type { Ran } from "./cli.ts";
import { findMissingPackage } from "./debian-package.ts";
import { findUv, makeTestFolder, run } from "./lab-environment.ts";
import { root } from "./source-files.ts";

export type Found = { python: string } | { missing: string };

/** The packages that examples/train asks for, in an environment that is kept between runs. */
export function findNumpyPython(): Found {
  const file = parse(readFileSync(join(root, "examples", "train", "sesta.yaml"), "utf8")) as {
    workloads: { train: { python: string[] } };
  };
  const packages = file.workloads.train.python;
  return findPython(`train-${packages.join("-").replace(/[^\w.-]/g, "_")}`, packages);
}

/** What examples/text-classifier is developed with, kept as well. */
export function findTextPython(): Found {
  const files = ["requirements.txt", "requirements-dev.txt"].map((name) =>
    join(root, "examples", "text-classifier", name),
  );
  const digest = createHash("sha256").update(files.map((file) => readFileSync(file, "utf8")).join("\n"));
  return findPython(
    `text-${digest.digest("hex").slice(0, 16)}`,
    files.flatMap((file) => ["-r", file]),
  );
}

function findPython(name: string, packages: readonly string[]): Found {
  const folder = makeTestFolder();
  const uv = findUv(folder);
  if (uv === undefined) return { missing: "uv is not on PATH and `python3 -m pip` could not install it" };
  const environment = join(folder, name);
  const python = join(environment, "bin", "python");
  if (existsSync(join(environment, "complete"))) return { python };
  const failed =
    run(buildVenv(uv, anyPython, environment)) ??
    run([uv, "pip", "install", "--python", python, ...packages]);
  if (failed !== undefined) return { missing: `${packages.join(" ")} could not be installed: ${failed}` };
  writeFileSync(join(environment, "complete"), "");
  return { python };
}

/** Debian's own PyTorch: the one from PyPI brings gigabytes. */
export function findTorchPython(): Found {
  const python = "/usr/bin/python3";
  const isThere = () => spawnSync(python, ["-c", "import torch, numpy"]).status === 0;
  const missing = findMissingPackage("python3-torch", isThere);
  return missing === undefined ? { python } : { missing };
}

export function copyExample(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `sesta-example-${name}-`));
  // What a run in the checkout left is no source.
  const isSource = (path: string) =>
    !/^(?:output|data|results|resultados|\.sesta|__pycache__)/.test(basename(path));
  cpSync(join(root, "examples", name), folder, { recursive: true, filter: isSource });
  return folder;
}

export function removeExample(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

export type Kill = { after: string; with: NodeJS.Signals };

const longestMs = 150_000;

/** @param kill sends a signal once standard output has this text */
export function runProgram(
  { python }: { python: string },
  folder: string,
  operands: readonly string[],
  kill?: Kill,
): Promise<Ran & { signal: NodeJS.Signals | null }> {
  const child = spawn(python, operands, {
    cwd: folder,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1", OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: longestMs,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const had = kill !== undefined && stdout.includes(kill.after);
    stdout += text;
    if (kill !== undefined && !had && stdout.includes(kill.after)) child.kill(kill.with);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code: code ?? 128, signal, stdout, stderr }));
  });
}
