// Small files to the host in one round trip, each whole or not at all.
import { randomBytes } from "node:crypto";
import { buildPut } from "../../commands/put-files.ts";
import { quotePath } from "../../commands/remote-shell.ts";
import type { Argv, Ran, RunOptions } from "../machine.ts";
import { explainPut } from "../put-error.ts";

type Run = (argv: Argv, options?: RunOptions) => Promise<Ran>;

/** @throws SestaError DISK_FULL, TRANSFER */
export async function putRemote(
  run: Run,
  files: Readonly<Record<string, string>>,
  to: string,
  name: string,
): Promise<void> {
  const { script, input } = buildPut(files, quotePath(to), randomBytes(6).toString("hex"));
  const { exitCode, stderr } = await run(["sh", "-c", script], { input });
  if (exitCode !== 0) throw explainPut(stderr, to, name);
}
