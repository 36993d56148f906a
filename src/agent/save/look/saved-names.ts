// Names that are not saved: git's and Sesta's own, and those that a repository cannot hold.
import { temporaryPrefix } from "../files/place-file.ts";

/** Passed over in silence, whatever the project file says: a repository's own folder, a write of Sesta's in progress. */
export function isNeverSaved(name: string): boolean {
  return name === ".git" || (name.startsWith(temporaryPrefix) && name.endsWith(".tmp"));
}

/**
 * What git's own fsck refuses, so that every remote that checks would too.
 * @param name one segment of a path
 * @returns why it cannot be saved; undefined when it can
 */
export function findNameProblem(name: string, isLink: boolean): string | undefined {
  if (isDotGit(name)) return "git takes this name for its own folder";
  if (isLink && name.toLowerCase() === ".gitmodules") return "git refuses a link of this name";
  return undefined;
}

/** For a name that is no UTF-8: what can be shown of it. */
export function escapeName(name: Buffer): string {
  let shown = "";
  for (const char of name.toString("latin1"))
    shown += char < " " || char > "~" ? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}` : char;
  return shown;
}

// fsck.c asks is_hfs_dotgit (code points that HFS+ ignores, any case) and is_ntfs_dotgit (`git~1`, dots and spaces at
// the end, a stream after a colon, a backslash as separator).
function isDotGit(name: string): boolean {
  const hfs = name.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, "").toLowerCase();
  if (hfs === ".git") return true;
  return name.split("\\").some((part) => /^(?:\.git|git~1)[. ]*(?::.*)?$/is.test(part));
}
