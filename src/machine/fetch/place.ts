// Puts files that are whole into their places, through folders that no link can lead away.
import { lstat, rename } from "node:fs/promises";
import { systemCode } from "../../base/errors.ts";
import { reachBelow, toPath, type Bytes } from "./below.ts";

/**
 * Moves `path` from the staging folder into `into`, over a file that is there.
 * @returns why it was left out; undefined when it is in place
 */
export async function placeFile(staging: string, into: string, path: Bytes): Promise<string | undefined> {
  const from = toPath(staging, path);
  const found = await lstat(from).catch(() => undefined);
  if (found === undefined) return "it went away meanwhile, or could not be read";
  if (!found.isFile()) return "it is no regular file";
  try {
    await reachBelow(into, path, true, (to) => rename(from, to));
    return undefined;
  } catch (error) {
    const why = reasons[systemCode(error) ?? ""];
    if (why === undefined) throw error;
    return why;
  }
}

const reasons: Readonly<Record<string, string>> = {
  ELOOP: "a link stands in its way here",
  ENOTDIR: "a link or a file stands in its way here",
  EISDIR: "a folder stands in its place here",
  ENOTEMPTY: "a folder stands in its place here",
  EEXIST: "a folder stands in its place here",
  ENAMETOOLONG: "its name is too long here",
  EILSEQ: "its name is none here",
  ESTALE: "its folder was exchanged here meanwhile",
};
