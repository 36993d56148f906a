// Opens the database of a process that was killed a moment ago.
import { DatabaseSync } from "node:sqlite";

/** A killed process counts as dead while its last threads still hold its locks: the kernel frees them a little later. */
export function openKilled(path: string): DatabaseSync {
  return new DatabaseSync(path, { timeout: 10_000 });
}
