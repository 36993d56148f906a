// Paths that must stay inside the project's folder, judged by their text alone.
import { posix } from "node:path";

/** Normalised and without a slash at its end; `.` is the folder itself. Undefined when it leads out or is no plain path. */
export function findInnerPath(text: string): string | undefined {
  // oxlint-disable-next-line no-control-regex
  if (text.trim() === "" || text.length > 1024 || /[\u0000-\u001f\u007f]/.test(text) || text.includes("${"))
    return undefined;
  if (posix.isAbsolute(text) || text.startsWith("~") || text.includes("\\")) return undefined;
  const path = posix.normalize(text).replace(/\/+$/, "");
  if (path === ".." || path.startsWith("../")) return undefined;
  // A program that gets the path as an argument must not take it for an option.
  return path.startsWith("-") ? undefined : path;
}

/** Whether one of two normalised paths is the other or lies in it; letter case and Unicode form aside, as on macOS. */
export function overlaps(one: string, other: string): boolean {
  const [a, b] = [foldPath(one), foldPath(other)];
  return a === b || a.startsWith(b) || b.startsWith(a);
}

function foldPath(path: string): string {
  return path === "." ? "" : `${path.normalize("NFC").toLowerCase()}/`;
}
