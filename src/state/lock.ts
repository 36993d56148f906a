// One verb at a time for a project: the kernel holds the lock, a file beside it names the holder.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { writeAtomic } from "../base/atomic-file.ts";
import { findDiskError } from "../base/disk-error.ts";
import { SestaError } from "../base/errors.ts";
import { holdLock } from "./open.ts";

export type Holder = { verb: string; pid: number; since: number };

/**
 * Takes the lock or says who has it. It ends with the process, however that ends, so it is never stale.
 * @param path without an ending; two files are made
 * @throws SestaError BUSY naming verb, process id and age
 */
export async function takeLock(path: string, holder: Holder): Promise<{ release(): void }> {
  const lock = await hold(path, holder.since);
  try {
    await writeAtomic(`${path}.json`, JSON.stringify(holder));
  } catch (error) {
    lock.close();
    throw findDiskError(error, `${path}.json`) ?? error;
  }
  return { release: () => lock.close() };
}

export function findHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(`${path}.json`, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

async function hold(path: string, now: number): Promise<{ close(): void }> {
  try {
    return holdLock(`${path}.lock`);
  } catch (error) {
    if (!(error instanceof SestaError) || error.code !== "BUSY") throw error;
    const holder = await findLivingHolder(path);
    const who = holder
      ? `\`sesta ${holder.verb}\` (process ${holder.pid}, for ${Math.max(0, Math.round((now - holder.since) / 1000))} s)`
      : "another command";
    throw new SestaError("BUSY", `${who} is changing this project`, {
      hint: "Wait until it ends, then try again.",
    });
  }
}

const looks = 10;
const lookEveryMs = 50;

// The file may still name the holder of before: the present one writes it once it has the lock.
async function findLivingHolder(path: string): Promise<Holder | undefined> {
  for (let look = 0; look < looks; look++) {
    const holder = findHolder(path);
    if (holder && lives(holder.pid)) return holder;
    await delay(lookEveryMs);
  }
  return undefined;
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** As `takeLock`, but waits for whoever has it. @param onWait told who that is, once */
export async function waitForLock(
  path: string,
  holder: Holder,
  signal: AbortSignal,
  onWait: (who: string) => void,
): Promise<{ release(): void }> {
  for (let told = false; ; told = true) {
    try {
      return await takeLock(path, holder);
    } catch (error) {
      if (!(error instanceof SestaError) || error.code !== "BUSY") throw error;
      if (!told) onWait(`process ${findHolder(path)?.pid ?? "unknown"}`);
      await delay(lookEveryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
