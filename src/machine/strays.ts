// Ends processes that a workload left behind: kernels run in sessions of their own and outlive a killed Jupyter.
import { readdir, readFile } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";
import { findIdentity, isAlive, type Identity } from "./identity.ts";
import { strayMark } from "./start-detached.ts";

const lookEveryMs = 50;
/** After SIGKILL; what is still there then waits for a device, and nobody can end it. */
const lastGraceMs = 2_000;

/** Asks all that a start left to end, with what was started as a part of it (`ID/PART`), and makes them when `graceMs` are over, also those that they start meanwhile. */
export async function endStrays(clock: Clock, startId: string, graceMs: number): Promise<void> {
  const began = clock.monotonic();
  const asked = new Set<string>();
  for (;;) {
    const found = await findStrays(startId);
    const passedMs = clock.monotonic() - began;
    if (found.length === 0 || passedMs > graceMs + lastGraceMs) return;
    for (const stray of found) {
      const id = `${stray.pid} ${stray.startTime}`;
      if (passedMs > graceMs) await signal(stray, "SIGKILL");
      else if (!asked.has(id)) await signal(stray, "SIGTERM");
      asked.add(id);
    }
    await clock.sleep(lookEveryMs);
  }
}

// Only Linux shows other processes' environment; elsewhere kernels notice the death of their parent by themselves.
async function findStrays(startId: string): Promise<Identity[]> {
  const names = await readdir("/proc").catch(() => []);
  const found = names
    .filter((name) => /^\d+$/.test(name))
    .map(async (name) => {
      const environ = await readFile(`/proc/${name}/environ`, "utf8").catch(() => "");
      const isOfIt = environ
        .split("\0")
        .some((entry) => entry === `${strayMark}=${startId}` || entry.startsWith(`${strayMark}=${startId}/`));
      return isOfIt ? findIdentity(Number(name)) : undefined;
    });
  return (await Promise.all(found)).filter((identity) => identity !== undefined);
}

async function signal(stray: Identity, name: NodeJS.Signals): Promise<void> {
  try {
    if (await isAlive(stray)) process.kill(stray.pid, name);
  } catch {
    // it ended in between
  }
}
