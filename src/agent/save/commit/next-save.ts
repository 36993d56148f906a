// What the next save writes and removes, and what is known once it is made.
import type { SavedFile } from "../../../state/save-state.ts";
import { findInTheWay, type Files } from "../look/gone.ts";

export type NextSave = {
  /** With content of their own. */
  write: ReadonlyMap<string, SavedFile>;
  remove: ReadonlySet<string>;
  /** `write`, and what only needs to be remembered otherwise. */
  rows: ReadonlyMap<string, SavedFile>;
};

/**
 * @param touch files with the content that they were saved with
 * @param gone what may be removed; what stands in the way of `write` is removed too
 * @param hold gone, but kept as saved
 */
export function buildNextSave(
  files: Files,
  { write, touch }: { write: ReadonlyMap<string, SavedFile>; touch: ReadonlyMap<string, SavedFile> },
  gone: Iterable<string>,
  hold: readonly string[],
): NextSave {
  const remove = new Set(gone);
  for (const path of findInTheWay(files, write.keys(), remove)) remove.add(path);
  const rows = new Map(touch);
  for (const path of hold) {
    const file = files.get(path);
    if (file) rows.set(path, { ...file, held: true });
  }
  for (const path of remove) rows.delete(path);
  for (const [path, file] of write) rows.set(path, file);
  return { write, remove, rows };
}
