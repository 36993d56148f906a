// AWS on loopback, as far as moto's server plays it: from PyPI, kept between runs.
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { anyPython, buildVenv } from "../../src/commands/uv.ts";
import { findUv, makeTestFolder, run } from "./lab-environment.ts";

const server = "moto[s3,server]==5.2.5";

/** The Python that has it, or why there is none. */
export function findMoto(): { python: string } | string {
  const folder = makeTestFolder();
  const uv = findUv(folder);
  if (uv === undefined) return "uv is not on PATH and `python3 -m pip` could not install it";
  const environment = join(folder, server.replaceAll(/\W+/g, "-"));
  const python = join(environment, "bin", "python");
  if (existsSync(join(environment, "complete"))) return { python };
  const failed =
    run(buildVenv(uv, anyPython, environment)) ??
    run([uv, "pip", "install", "--python", python, "--", server]);
  if (failed !== undefined) return `${server} could not be installed: ${failed}`;
  writeFileSync(join(environment, "complete"), "");
  return { python };
}

export type Started = { lines: Interface; tell(line: string): void; end(): Promise<void> };

/** @param script beside this file; it ends with its input */
export function startMoto(python: string, script: string): Started {
  const child = spawn(python, [join(import.meta.dirname, script)], { stdio: ["pipe", "pipe", "ignore"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return {
    lines: createInterface({ input: child.stdout }),
    tell: (line) => void child.stdin.write(`${line}\n`),
    end() {
      child.stdin.end();
      return ended;
    },
  };
}

export type Cloud = { url: string; end(): Promise<void> };

/** All of it, open to any key. */
export async function startCloud(python: string): Promise<Cloud> {
  const { lines, end } = startMoto(python, "cloud.py");
  for await (const url of lines) return { url, end };
  throw new Error("moto has ended");
}
