// Watches a workspace and walks it: where something was heard since the last look, or everywhere.
import { statSync } from "node:fs";
import type { Clock } from "../../../base/clock.ts";
import { messageOf, SestaError } from "../../../base/errors.ts";
import { WorkspaceAlarm } from "../commit/alarm.ts";
import type { IgnoreRules } from "./ignore-rules.ts";
import { isNeverSaved } from "./saved-names.ts";
import { runScan, type Folder, type Scanned, type ScanOptions } from "./scan.ts";
import { idOf } from "./stamp.ts";
import { createTreeWatch, type TreeWatch } from "./watch-tree.ts";
import { pathOf } from "./workspace-path.ts";

export type OutlookOptions = Pick<ScanOptions, "workspace" | "skip" | "isKnown"> & {
  rules: () => IgnoreRules;
  clock: Clock;
  /** Something was heard. */
  dirty: () => void;
};

export type Outlook = ReturnType<typeof createOutlook>;

const rescanMs = 60_000;
/** Where changes cannot be heard. */
const blindRescanMs = 5_000;

/** One look at a time. */
export function createOutlook({ workspace, skip, isKnown, rules, clock, dirty }: OutlookOptions) {
  let folders: ReadonlyMap<string, Folder> = new Map();
  const pending = new Set<string>();
  let watching: TreeWatch | undefined;
  let blind = false;
  let doubted = true;
  let missing = false;

  function hear(folder: string, name: string | undefined): void {
    if (name !== undefined && (isNeverSaved(name) || isIgnored(folder, name))) return;
    pending.add(folder);
    dirty();
  }

  function isIgnored(folder: string, name: string): boolean {
    const judged = folders.get(folder)?.judged;
    if (!judged) return false;
    const path = pathOf(folder, name);
    const ignored = [true, false].every((isFolder) => rules().judge(path, isFolder, judged).ignored);
    return ignored && !rules().reaches(path);
  }

  async function scan(everywhere: boolean, also: Iterable<string>): Promise<Scanned> {
    const id = idOf(statSync(workspace));
    const all = everywhere || folders.get("")?.id !== id;
    const changed = new Set([...pending, ...also]);
    pending.clear();
    const scanned = await runScan({
      workspace,
      rules: rules(),
      skip,
      isKnown,
      ...(!all && { since: { folders, changed } }),
      onFolder: (folder, folderId) => watching?.add(folder, folderId),
    });
    if (idOf(statSync(workspace)) !== id) throw new SestaError("STATE_FOLDER", "the workspace was replaced");
    folders = scanned.folders;
    watching?.keep(folders);
    blind = (watching?.takeBlind() ?? false) || (blind && !all);
    return scanned;
  }

  return {
    /**
     * @param also folders to look into besides those in which something was heard
     * @throws WorkspaceAlarm
     */
    async look(everywhere: boolean, also: Iterable<string> = []): Promise<Scanned> {
      try {
        const scanned = await scan(everywhere, also);
        missing = false;
        return scanned;
      } catch (error) {
        missing = true;
        throw new WorkspaceAlarm(`The workspace ${workspace} cannot be read: ${messageOf(error)}`, {
          hint: "Put the folder back, or mount its disk; what was saved is safe.",
        });
      }
    },
    /** The last look failed. */
    isMissing: (): boolean => missing,
    /** Whether a look tells all only when it looks everywhere. */
    mustLookEverywhere: (): boolean => doubted || blind || !watching,
    /** What was seen may not have been saved. */
    doubt: (): void => void (doubted = true),
    trust: (): void => void (doubted = false),
    /** Until the signal aborts. @param check the net beneath the watch: called from time to time */
    async watch(signal: AbortSignal, check: () => Promise<void>): Promise<void> {
      if (signal.aborted) return;
      watching = createTreeWatch({ workspace, onChange: hear });
      doubted = true;
      dirty();
      try {
        for (;;) {
          await clock.sleep(blind ? blindRescanMs : rescanMs, signal);
          await check();
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        watching.close();
        watching = undefined;
      }
    },
    close: (): void => watching?.close(),
  };
}
