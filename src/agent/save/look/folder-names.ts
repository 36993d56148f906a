// What a folder of the workspace says of its own entries: their names, and its .gitignore file.
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SetAside } from "../../../model/save.ts";
import { isEnvironment, parseIgnoreText, type Judged } from "./ignore-rules.ts";
import { escapeName } from "./saved-names.ts";
import { stampOf } from "./stamp.ts";
import { pathOf } from "./workspace-path.ts";

/** @param path absolute @throws the system's error when the folder cannot be listed */
export function readNames(path: string, folder: string): { names: string[]; asides: SetAside[] } {
  const names = readdirSync(path);
  if (!names.some((name) => name.includes("\ufffd"))) return { names, asides: [] };
  const right: string[] = [];
  const asides: SetAside[] = [];
  for (const bytes of readdirSync(path, { encoding: "buffer" })) {
    const name = bytes.toString("utf8");
    if (Buffer.from(name).equals(bytes)) right.push(name);
    else asides.push({ path: pathOf(folder, escapeName(bytes)), kind: "name", why: "the name is not UTF-8" });
  }
  return { names: right, asides };
}

/**
 * How the entries of a folder are judged, now that its names are known.
 * @param judged the folder, by the one above
 * @returns also the stamp of what was judged by here: when it is another one, so is everything below
 */
export function judgeInside(
  path: string,
  folder: string,
  names: readonly string[],
  judged: Judged,
): { judged: Judged; ignoreStamp: string } {
  const ignored = judged.ignored || (folder !== "" && !judged.included && isEnvironment(names));
  const file =
    ignored || !names.includes(".gitignore") ? undefined : readIgnoreFile(join(path, ".gitignore"));
  const ignoreStamp = `${file?.stamp ?? ""}${ignored ? " ignored" : ""}`;
  if (!file && ignored === judged.ignored) return { judged, ignoreStamp };
  const files = file ? [...judged.files, { folder, patterns: parseIgnoreText(file.text) }] : judged.files;
  return { judged: { ...judged, ignored, files }, ignoreStamp };
}

const ignoreFileBytes = 1024 * 1024;

/** A link counts as none (gitignore(5)), nor does what cannot be read. */
function readIgnoreFile(path: string): { stamp: string; text: string } | undefined {
  try {
    const stats = lstatSync(path);
    if (!stats.isFile() || stats.size > ignoreFileBytes) return undefined;
    return { stamp: stampOf(stats), text: readFileSync(path, "utf8") };
  } catch {
    return undefined;
  }
}
