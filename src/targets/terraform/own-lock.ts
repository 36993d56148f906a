// A lock of a state kept elsewhere that an apply of ours left when it was killed: nobody else would ever take it away.
import { readFile, stat } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { logName, type RootContext } from "./root-context.ts";

/**
 * @param printed by a Terraform that found the state locked
 * @returns the lock's id, where it was taken here and while the last apply ran, which has ended
 */
export async function findOwnLock(
  { folder, isRemote }: Pick<RootContext, "folder" | "isRemote">,
  printed: string,
): Promise<string | undefined> {
  if (!isRemote || !/Error acquiring the state lock/i.test(printed)) return undefined;
  const [id, who, created] = [find(printed, "ID"), find(printed, "Who"), find(printed, "Created")];
  if (id === undefined || created === undefined || who !== `${userInfo().username}@${hostname()}`)
    return undefined;
  const span = await findSpan(join(folder, logName));
  const at = Date.parse(created.replace(/^(\S+) (\S+) \+0000 UTC$/, "$1T$2Z"));
  return span && at >= span.from && at <= span.to ? id : undefined;
}

/** In a diagnostic of JSON, lines are parted by an escaped line break. */
function find(printed: string, field: string): string | undefined {
  return new RegExp(`\\b${field}: +(.+?)(?:\\\\n|\\n|$)`).exec(printed)?.[1]?.trim();
}

/** Of the last apply, in milliseconds since the epoch. */
async function findSpan(log: string): Promise<{ from: number; to: number } | undefined> {
  const text = await readFile(log, "utf8").catch(() => undefined);
  const began = text === undefined ? undefined : /"@timestamp":"([^"]+)"/.exec(text)?.[1];
  return began === undefined ? undefined : { from: Date.parse(began), to: (await stat(log)).mtimeMs + 1_000 };
}
