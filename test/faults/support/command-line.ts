// The real command line, run to its end, and what every refusal of it must look like.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "vitest";
import { sestaProgram } from "../../support/published-form.ts";

export const quiet = "--disable-warning=ExperimentalWarning";

export type Ran = { code: number | null; stdout: string; stderr: string };

export async function run(
  [program = "", ...operands]: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const child = spawn(program, operands, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

export const sesta = (folder: string, ...words: string[]) =>
  run([process.execPath, quiet, sestaProgram, ...words, "-C", folder]);

export function expectOneError({ code, stderr }: Ran, says: RegExp): void {
  expect([code, stderr.match(/^error: /gm)?.length]).toEqual([1, 1]);
  expect(stderr).toMatch(says);
  expect(stderr).toMatch(/^try: \S/m);
  expect(stderr).not.toMatch(/^\s+at |This is a bug/m);
}
