// One at a time on a machine, from whatever computer and project: a lock that the machine itself keeps.
import { createInterface } from "node:readline";
import { SestaError } from "../base/errors.ts";
import { lastOf } from "./fetch/records.ts";
import { buildScriptArgv, ensureScripts, type Host } from "./host.ts";

/**
 * Does the work while nobody else has the lock. It ends with the work, with this process and with the connection.
 * @param name of the lock: a plain file name
 * @throws SestaError SETUP_FAILED when the machine keeps no lock, and what the work throws
 */
export async function holdOnMachine<Result>(
  host: Host,
  name: string,
  { signal, onWait }: { signal: AbortSignal; onWait: () => void },
  work: () => Promise<Result>,
): Promise<Result> {
  await ensureScripts(host.machine);
  const argv = buildScriptArgv(host.base, "hold.sh", [`${host.base}/locks/${name}`]);
  const process = await host.machine.open(argv, { signal });
  const said = lastOf(process.stderr);
  const held = new Promise<void>((resolve) => {
    createInterface({ input: process.stdout }).on("line", (line) => {
      if (line === "held") resolve();
      else onWait();
    });
  });
  const ended = process.ended.then(({ exitCode }) => {
    throw new SestaError("SETUP_FAILED", `The lock ${name} could not be taken: ${said() || exitCode}`, {
      where: host.machine.name,
      hint: "Check the disk there.",
    });
  });
  ended.catch(() => undefined); // it ends with the work, too
  try {
    await Promise.race([held, ended]);
    return await work();
  } finally {
    process.stdin.end();
    await ended.catch(() => undefined);
  }
}
