// Runs things as somebody who may not read and write everything: oneself, or nobody where oneself is root.
import { spawnSync } from "node:child_process";
import { chownSync } from "node:fs";

const root = process.getuid?.() === 0;
const nobody = 65_534;

/** Why it does not work here; undefined when it does. */
export const asUserProblem =
  root && spawnSync("setpriv", asUser([process.execPath, "--version"]).slice(1)).status !== 0
    ? "root here, and setpriv cannot run Node as another user"
    : undefined;

export function asUser(argv: readonly string[]): string[] {
  return root ? ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", ...argv] : [...argv];
}

/** Gives a path to the user of `asUser`. */
export function hand(path: string): void {
  if (root) chownSync(path, nobody, nobody);
}
