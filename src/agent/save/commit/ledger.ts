// What is known of the newest save: its commit, and each of its files as it was on disk. On disk too, in state.db.
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { messageOf } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import {
  openSaveState,
  type SavedChange,
  type SavedFile,
  type SaveState,
} from "../../../state/save-state.ts";
import type { Git } from "../git.ts";
import type { Files } from "../look/gone.ts";
import { findHead, moveHead, openRepository, readTree } from "./repository.ts";

export type LedgerOptions = { git: Git; folder: string; log: Log };
export type Ledger = ReturnType<typeof createLedger>;

/** One call at a time. */
export function createLedger({ git, folder, log }: LedgerOptions) {
  let state: SaveState | undefined;
  let ready = false;
  /** The rows on disk are behind `files`. */
  let behind = false;
  let tip: string | null = null;
  let files = new Map<string, SavedFile>();

  async function open(): Promise<SaveState> {
    if (ready && state) return state;
    await openRepository(git);
    state ??= openSaveState(join(folder, "state.db"));
    const head = (await findHead(git)) ?? null;
    files = state.files();
    tip = head;
    if ((state.findCommit() ?? null) !== head) await rebuild(state, head);
    ready = true;
    return state;
  }

  function getState(): SaveState {
    if (state) return state;
    throw new Error("the ledger was used before it was opened");
  }

  async function rebuild(state: SaveState, commit: string | null): Promise<void> {
    files = carryOver(files, commit === null ? new Map() : await readTree(git, commit));
    tip = commit;
    await keep(state, { commit, write: files, remove: [], anew: true });
    behind = false;
  }

  return {
    /** Makes or mends the repository, and loads what is known; nothing when that is done. @throws SestaError */
    open: async (): Promise<void> => void (await open()),
    isOpen: (): boolean => ready,
    /** Null when nothing was ever saved. */
    tip: () => tip,
    files: (): Files => files,
    isKnown(path: string, stamp: string): boolean {
      const file = files.get(path);
      return file?.stamp === stamp && !file.held;
    },
    /**
     * The save is now this one, with these files. The commit is there whatever becomes of the rows: they can be made
     * from it again, so that a failure to write them is only logged.
     */
    async record(commit: string | null, write: ReadonlyMap<string, SavedFile>, remove: ReadonlySet<string>) {
      const state = getState();
      tip = commit;
      for (const path of remove) files.delete(path);
      for (const [path, file] of write) files.set(path, file);
      try {
        if (behind) await keep(state, { commit, write: files, remove: [], anew: true });
        else await keep(state, { commit, write, remove });
        behind = false;
      } catch (error) {
        behind = true;
        log.warn("what is known of the newest save was not written", { why: messageOf(error) });
      }
    },
    /** The newest save is this commit, whose content need not be that of the workspace. */
    async adopt(commit: string | null): Promise<void> {
      const state = await open();
      ready = false;
      await moveHead(git, tip ?? undefined, commit);
      await rebuild(state, commit);
      ready = true;
    },
    /** Which folder the workspace was when it was last saved. */
    findPlace: (): string | undefined => getState().findFact("workspace"),
    setPlace: (id: string): void => getState().setFact("workspace", id),
    /** Something failed: what is there is looked at anew when it is next opened. */
    doubt: (): void => void (ready = false),
    close(): void {
      state?.close();
      [state, ready] = [undefined, false];
    },
  };
}

/** What is known of a file on disk stays true where the commit has the same content. */
export function carryOver(
  files: Files,
  tree: ReadonlyMap<string, { mode: string; oid: string }>,
): Map<string, SavedFile> {
  const next = new Map<string, SavedFile>();
  for (const [path, { mode, oid }] of tree) {
    const before = files.get(path);
    const stamp = before?.oid === oid && before.mode === mode ? before.stamp : "";
    next.set(path, { mode, oid, stamp, held: false });
  }
  return next;
}

/** So many rows take a few milliseconds; then the event loop gets its turn. */
const sliceRows = 1_000;

/** Until the last of many slices is written the rows belong to no commit, so that a kill in between is noticed. */
async function keep(state: SaveState, { commit, write, remove, anew = false }: SavedChange): Promise<void> {
  const rest = [...write];
  let first = { remove, anew };
  while (rest.length > sliceRows) {
    state.keep({ ...first, commit: null, write: rest.splice(0, sliceRows) });
    first = { remove: [], anew: false };
    await turn();
  }
  state.keep({ ...first, commit, write: rest });
}
