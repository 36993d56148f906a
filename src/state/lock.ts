// One verb at a time for a project: the kernel holds the lock, a file beside it names the holder.
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { SestaError } from "../base/errors.ts";
import { openDatabase } from "./open.ts";

export type Holder = { verb: string; pid: number; since: number };

/**
 * Takes the lock or says who has it. It ends with the process, however that ends, so it is never stale.
 * @param path without an ending; two files are made
 * @throws SestaError BUSY naming verb, process id and age
 */
export async function takeLock(path: string, holder: Holder): Promise<{ release(): void }> {
  const db = open(path, holder.since);
  await writeFile(`${path}.json`, JSON.stringify(holder), { mode: 0o600 });
  return { release: () => db.close() };
}

export function findHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(`${path}.json`, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

function open(path: string, now: number) {
  try {
    return openDatabase(`${path}.lock`, [], { exclusive: true });
  } catch (error) {
    if (!(error instanceof SestaError) || error.code !== "BUSY") throw error;
    const holder = findHolder(path);
    const who = holder
      ? `\`sesta ${holder.verb}\` (process ${holder.pid}, for ${Math.max(0, Math.round((now - holder.since) / 1000))} s)`
      : "another command";
    throw new SestaError("BUSY", `${who} is changing this project`, { hint: "Wait until it ends, then try again." });
  }
}
