// Hears of changes in the folders of a workspace, as far as the system lets it.
import { watch, type FSWatcher } from "node:fs";
import { dirname, join } from "node:path";
import { systemCode } from "../../../base/errors.ts";

export type TreeWatch = ReturnType<typeof createTreeWatch>;

export type WatchOptions = {
  workspace: string;
  /** Something happened to an entry of the folder; `name` is undefined when the system does not say which. */
  onChange: (folder: string, name: string | undefined) => void;
};

/** Without `recursive` each folder is watched by itself: on Linux, Node would watch each file too. */
export function createTreeWatch({ workspace, onChange }: WatchOptions, recursive = isRecursive()) {
  const watchers = new Map<string, { id: string; watcher: FSWatcher }>();
  let blind = false;

  function add(folder: string, id: string): void {
    if (recursive && folder !== "") return;
    const known = watchers.get(folder);
    if (known?.id === id) return;
    known?.watcher.close();
    watchers.delete(folder);
    try {
      const watcher = watch(join(workspace, folder), { persistent: false, recursive }, (_, name) =>
        tell(folder, name ?? undefined),
      );
      watcher.on("error", () => {
        blind = true;
        drop(folder);
        onChange(folder, undefined);
      });
      watchers.set(folder, { id, watcher });
    } catch (error) {
      if (systemCode(error) !== "ENOENT") blind = true; // ENOSPC, EMFILE: there are no more watches (inotify(7))
    }
  }

  function tell(folder: string, name: string | undefined): void {
    if (!recursive || name === undefined) return onChange(folder, name);
    const above = dirname(name);
    onChange(above === "." ? "" : above, name.slice(above === "." ? 0 : above.length + 1));
  }

  function drop(folder: string): void {
    watchers.get(folder)?.watcher.close();
    watchers.delete(folder);
  }

  return {
    /** Before the folder is listed, so that nothing happens unseen in between. @param id of the folder's inode */
    add,
    /** Lets go of the others. @param folders all that are there */
    keep(folders: ReadonlyMap<string, unknown>): void {
      for (const folder of watchers.keys()) if (!folders.has(folder)) drop(folder);
    },
    /** Since this was last asked, something could not be watched. */
    takeBlind(): boolean {
      const was = blind;
      blind = false;
      return was;
    },
    close(): void {
      for (const folder of watchers.keys()) drop(folder);
    },
  };
}

function isRecursive(): boolean {
  return process.platform === "darwin" || process.platform === "win32";
}
