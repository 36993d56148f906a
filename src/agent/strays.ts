// Ends processes that a workload left behind: kernels run in sessions of their own and outlive a killed Jupyter.
import { readdir, readFile } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";
import { findIdentity, isAlive, type Identity } from "../machine/identity.ts";

/** Every process of a start inherits this variable, with the start's id. */
export const strayMark = "SESTA_START";

export async function endStrays(clock: Clock, startId: string, graceMs: number): Promise<void> {
  const found = await findStrays(startId);
  for (const stray of found) signal(stray, "SIGTERM");
  const began = clock.monotonic();
  for (;;) {
    const left = await Promise.all(found.map(async (stray) => ((await isAlive(stray)) ? [stray] : [])));
    if (left.flat().length === 0) return;
    if (clock.monotonic() - began > graceMs) {
      for (const stray of left.flat()) signal(stray, "SIGKILL");
      return;
    }
    await clock.sleep(20);
  }
}

// Only Linux shows other processes' environment; elsewhere kernels notice the death of their parent by themselves.
async function findStrays(startId: string): Promise<Identity[]> {
  const names = await readdir("/proc").catch(() => []);
  const found = names.filter((name) => /^\d+$/.test(name)).map(async (name) => {
    const environ = await readFile(`/proc/${name}/environ`, "utf8").catch(() => "");
    return environ.split("\0").includes(`${strayMark}=${startId}`) ? findIdentity(Number(name)) : undefined;
  });
  return (await Promise.all(found)).filter((identity) => identity !== undefined);
}

function signal({ pid }: Identity, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it ended in between
  }
}
