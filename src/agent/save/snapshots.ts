// The local half of autosave: from the workspace on disk to a commit in the private repository.
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { messageOf, SestaError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { workRef } from "../../commands/git.ts";
import type { SaveRule } from "../../model/launch.ts";
import type { HeldDeletions, SetAside } from "../../model/save.ts";
import { openSaveState, type SavedFile, type SaveState } from "../../state/save-state.ts";
import { explainAlarm, refuseFull, WorkspaceAlarm, type Alarm } from "./alarm.ts";
import { buildMessage, findAuthor, type Author } from "./commit-words.ts";
import { createDeletions } from "./deletions.ts";
import { gather, type Gathered, type SaveLarge } from "./gather.ts";
import type { Git } from "./git.ts";
import { findGone, findInTheWay, findLost } from "./gone.ts";
import { createIgnoreRules, type IgnoreRules } from "./ignore-rules.ts";
import { createImport, type ImportStream } from "./import-stream.ts";
import {
  findHead,
  moveHead,
  openRepository,
  readTree,
  removeLeftovers,
  tidyRepository,
} from "./repository.ts";
import { idOf, parentOf, runScan, type Folder, type Found, type Scanned } from "./scan.ts";
import { createTreeWatch, type TreeWatch } from "./watch-tree.ts";

export type SnapshotOptions = {
  git: Git;
  /** HOME/saves/NAME */
  folder: string;
  workspace: string;
  rule: () => SaveRule;
  workload: string;
  clock: Clock;
  log: Log;
  /** Exact values that must never be saved. */
  secrets: () => readonly string[];
  /** Something in the workspace may differ from the newest save. */
  dirty: () => void;
  large?: SaveLarge;
  /** So much of the disk of `folder` stays free; 64 MB unless said. */
  reserveBytes?: number;
};

export type TakeOptions = {
  /** Look at every folder, not only at those in which something was heard. */
  full: boolean;
  /** The user confirms what is held, and that another folder is the workspace now. */
  acceptDeletions: boolean;
  /** Second parent. */
  merge?: string;
  /** Paths that the remote refused; each call names all of them. */
  without?: ReadonlySet<string>;
  message?: string;
};

export type Taken = {
  /** The newest save; null when nothing was ever saved. */
  commit: string | null;
  /** Whether this call made it. */
  made: boolean;
  /** Paths written or removed by this commit. */
  changed: number;
  /** Everything that is set aside now. */
  setAside: readonly SetAside[];
  held: HeldDeletions | null;
  /** Why nothing could be saved at all; `commit` is the one before. */
  alarm: Alarm | null;
  /** Files kept changing while they were read: another take is wanted soon. */
  again: boolean;
};

export type Snapshots = ReturnType<typeof createSnapshots>;

const rescanMs = 60_000;
/** Where changes cannot be heard. */
const blindRescanMs = 5_000;
/** Calls queue up: one scan, or one git that writes, at a time. */
export function createSnapshots(options: SnapshotOptions) {
  const { git, folder, workspace, clock, log, dirty, reserveBytes = 64 * 1024 * 1024 } = options;
  let state: SaveState | undefined;
  let ready = false;
  /** The rows on disk are behind `files`. */
  let rowsBehind = false;
  let tip: string | null = null;
  let files = new Map<string, SavedFile>();
  let folders = new Map<string, Folder>();
  /** Of the last scan of everything. */
  let seen: ReadonlyMap<string, Found> = new Map();
  const asides = new Map<string, { folder: string; stamp: string; aside: SetAside }>();
  const changing = new Map<string, number>();
  let author: Author | undefined;
  const deletions = createDeletions(clock);
  let ruleText = "";
  let rules: IgnoreRules = createIgnoreRules({ include: [], exclude: [] });

  let watching: TreeWatch | undefined;
  let blind = false;
  let missing = false;
  let everything = true;
  const pending = new Set<string>();

  let last: Promise<unknown> = Promise.resolve();
  let tidying: AbortController | undefined;
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    tidying?.abort();
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  }

  async function ensureReady(): Promise<SaveState> {
    if (ready && state) return state;
    await openRepository(git);
    state ??= openSaveState(join(folder, "state.db"));
    const head = (await findHead(git)) ?? null;
    files = state.files();
    tip = head;
    if ((state.findCommit() ?? null) !== head) await rebuild(state, head);
    everything = ready = true;
    return state;
  }

  /** What is known of a file on disk stays true where the commit has the same content. */
  async function rebuild(state: SaveState, commit: string | null): Promise<void> {
    const tree = commit === null ? [] : await readTree(git, commit);
    const next = new Map<string, SavedFile>();
    for (const [path, { mode, oid }] of tree) {
      const before = files.get(path);
      const stamp = before?.oid === oid && before.mode === mode ? before.stamp : "";
      next.set(path, { mode, oid, stamp, held: false });
    }
    [files, tip, everything] = [next, commit, true];
    deletions.forget();
    state.keep({ commit, write: files, remove: [], anew: true });
    rowsBehind = false;
  }

  function refreshRules(without: ReadonlySet<string>): void {
    const { include, exclude, maxFileBytes, lfs } = options.rule();
    const text = JSON.stringify([include, exclude, maxFileBytes, lfs, options.secrets(), [...without]]);
    if (text === ruleText) return;
    [ruleText, rules, everything] = [text, createIgnoreRules({ include, exclude }), true];
    asides.clear();
  }

  async function scan(all: boolean): Promise<Scanned> {
    const id = idOf(statSync(workspace));
    const since = all || folders.get("")?.id !== id ? undefined : { folders, changed: new Set(pending) };
    if (since) for (const path of changing.keys()) since.changed.add(parentOf(path));
    pending.clear();
    const scanned = await runScan({
      workspace,
      rules,
      skip: dirname(dirname(folder)),
      ...(since && { since }),
      seen,
      onFolder: (path, id) => watching?.add(path, id),
    });
    if (idOf(statSync(workspace)) !== id) throw new SestaError("STATE_FOLDER", "the workspace was replaced");
    folders = scanned.folders;
    if (!since) seen = scanned.files;
    watching?.keep(folders);
    blind = (watching?.takeBlind() ?? false) || (blind && since !== undefined);
    return scanned;
  }

  /** Forgets what was set aside and is no longer there; adds what this scan found. */
  function refreshAsides(scanned: Scanned): void {
    for (const [path, { folder, stamp }] of asides) {
      const looked = scanned.listed.has(folder) || !scanned.folders.has(folder);
      if (looked && (stamp === "" || !scanned.files.has(path))) asides.delete(path);
    }
    for (const path of changing.keys()) if (!asides.has(path)) changing.delete(path);
    for (const { folder, aside } of scanned.asides) asides.set(aside.path, { folder, stamp: "", aside });
  }

  function listCandidates(scanned: Scanned) {
    const candidates: [path: string, found: Found][] = [];
    for (const [path, found] of scanned.files) {
      const saved = files.get(path);
      if (saved?.stamp === found.stamp && !saved.held) continue;
      if (asides.get(path)?.stamp !== found.stamp) candidates.push([path, found]);
    }
    return candidates;
  }

  const unreadable = () =>
    new Set([...asides.values()].flatMap(({ aside }) => (aside.kind === "unreadable" ? [aside.path] : [])));

  async function takeNow(take: TakeOptions): Promise<Taken> {
    let stream: ImportStream | undefined;
    try {
      refuseFull(folder, reserveBytes);
      const state = await ensureReady();
      refreshRules(take.without ?? new Set());
      const all = take.full || take.acceptDeletions || !watching || blind || everything;
      everything = true; // until this take is done
      const scanned = await scanWorkspace(all);
      refreshAsides(scanned);
      const gone = findGone(files, scanned, unreadable(), rules);
      const id = scanned.folders.get("")?.id ?? "";
      refuseOther(state, id, gone.length, take);
      stream = createImport(git);
      const gathered = await gather(
        {
          workspace,
          files,
          candidates: listCandidates(scanned),
          rules,
          maxFileBytes: options.rule().maxFileBytes,
          secrets: options.secrets(),
          without: take.without ?? new Set(),
          changing,
          now: () => clock.now(),
          large: options.large,
        },
        stream,
      );
      const taken = await commit(state, take, gathered, gone, stream);
      if (state.findFact("workspace") !== id) state.setFact("workspace", id);
      everything = false;
      return taken;
    } catch (error) {
      await stream?.abort();
      const alarm = explainAlarm(error, workspace);
      if (!alarm) throw error;
      log.warn("nothing was saved", { workload: options.workload, why: alarm.message });
      if (alarm.kind !== "workspace") ready = false; // look anew at what is there
      if (stream) removeLeftovers(git.folder);
      return { ...answer(), commit: tip, made: false, changed: 0, alarm, again: false };
    }
  }

  async function scanWorkspace(all: boolean): Promise<Scanned> {
    try {
      const scanned = await scan(all);
      missing = false;
      return scanned;
    } catch (error) {
      missing = true;
      throw new WorkspaceAlarm(`The workspace ${workspace} cannot be read: ${messageOf(error)}`, {
        hint: "Put the folder back, or mount its disk; what was saved is safe.",
      });
    }
  }

  function refuseOther(state: SaveState, id: string, gone: number, { acceptDeletions }: TakeOptions): void {
    const before = state.findFact("workspace");
    if (acceptDeletions || before === undefined || before === id || gone * 2 <= files.size) return;
    throw new WorkspaceAlarm(
      `${workspace} is another folder than before, and ${gone} of ${files.size} saved files are not in it.`,
      {
        hint: "Mount its disk or put the folder back; if it is meant to be this one, confirm the deletions.",
      },
    );
  }

  async function commit(
    state: SaveState,
    { acceptDeletions, merge, message }: TakeOptions,
    gathered: Gathered,
    gone: readonly string[],
    stream: ImportStream,
  ): Promise<Taken> {
    const { write, touch } = gathered;
    for (const [path, { stamp, aside }] of gathered.asides)
      asides.set(path, { folder: parentOf(path), stamp, aside });
    for (const path of [...write.keys(), ...touch.keys()]) asides.delete(path);
    const removing = acceptDeletions ? new Set(gone) : holdLost(gone, write, touch);
    for (const path of findInTheWay(files, write.keys(), removing)) removing.add(path);
    for (const path of removing) touch.delete(path);
    const changed = write.size + removing.size;
    const made = changed > 0 || merge !== undefined;
    const before = tip;
    if (made) {
      tip = await stream.commit({
        ref: workRef,
        from: tip,
        merge,
        author: options.rule().author ?? (author ??= await findAuthor(git)),
        at: clock.now(),
        message: message ?? buildMessage(options.workload, [...[...write.keys()].toSorted(), ...removing]),
        remove: [...removing],
        write,
      });
    }
    if (made || touch.size > 0) record(state, new Map([...touch, ...write]), removing);
    return {
      ...answer(),
      commit: tip,
      made: tip !== before,
      changed,
      alarm: null,
      again: changing.size > 0,
    };
  }

  /** @returns what of it is to be removed; marks the rest as held */
  function holdLost(
    gone: readonly string[],
    write: Gathered["write"],
    touch: Gathered["touch"],
  ): Set<string> {
    const removing = new Set(gone.filter((path) => files.get(path)?.held !== true));
    const oids = [...write.values()].map(({ oid }) => oid);
    const lost = findLost(files, [...removing], oids);
    if (deletions.allow(files, lost.length)) return removing;
    for (const path of lost) {
      const file = files.get(path);
      if (file) touch.set(path, { ...file, held: true });
      removing.delete(path);
    }
    return removing;
  }

  /** The commit is there whatever becomes of the rows: they can be made from it again. */
  function record(state: SaveState, write: Map<string, SavedFile>, remove: ReadonlySet<string>): void {
    for (const path of remove) files.delete(path);
    for (const [path, file] of write) files.set(path, file);
    try {
      if (rowsBehind) state.keep({ commit: tip, write: files, remove: [], anew: true });
      else state.keep({ commit: tip, write, remove });
      rowsBehind = false;
    } catch (error) {
      rowsBehind = true;
      log.warn("what is known of the newest save was not written", { why: messageOf(error) });
    }
  }

  function answer(): Pick<Taken, "setAside" | "held"> {
    let count = 0;
    for (const { held } of files.values()) if (held) count += 1;
    const why = `${count} of ${files.size} saved files vanished from the workspace at once`;
    const shown = [...asides.values()].map(({ aside }) => aside);
    return {
      setAside: shown.toSorted((one, other) => (one.path < other.path ? -1 : 1)),
      held: count === 0 ? null : { gone: count, of: files.size, why },
    };
  }

  /** The net beneath the watch: whatever was not heard is seen here. */
  async function rescan(): Promise<void> {
    if (!ready) return dirty();
    try {
      const scanned = await scan(true);
      const same = listCandidates(scanned).length === 0;
      const gone = findGone(files, scanned, unreadable(), rules).filter((path) => !files.get(path)?.held);
      if (same && gone.length === 0 && !missing) return;
    } catch {
      if (missing) return;
    }
    everything = true;
    dirty();
  }

  function hear(path: string, name: string | undefined): void {
    if (name === ".git") return;
    const judged = folders.get(path)?.judged;
    if (judged && name !== undefined) {
      const inner = path === "" ? name : `${path}/${name}`;
      const ignored = [true, false].every((isFolder) => rules.judge(inner, isFolder, judged).ignored);
      if (ignored && !rules.reaches(inner)) return;
    }
    pending.add(path);
    dirty();
  }

  return {
    /** Makes or mends the repository and loads what is known. What stands in the way is the alarm of the next take. */
    open: (): Promise<void> =>
      inTurn(async () => {
        try {
          await ensureReady();
        } catch (error) {
          if (!explainAlarm(error, workspace)) throw error;
          log.warn("the saves cannot be opened", { why: messageOf(error) });
        }
      }),

    /** Until the signal aborts. */
    async watch(signal: AbortSignal): Promise<void> {
      if (signal.aborted) return;
      watching = createTreeWatch({ workspace, onChange: hear });
      everything = true;
      dirty();
      try {
        for (;;) {
          await clock.sleep(blind ? blindRescanMs : rescanMs, signal);
          await inTurn(rescan);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        watching.close();
        watching = undefined;
      }
    },

    take: (take: TakeOptions): Promise<Taken> => inTurn(() => takeNow(take)),

    /** The base is now this commit; the former stays reachable under refs/sesta/old. null: begin with nothing. */
    adopt: (commit: string | null): Promise<void> =>
      inTurn(async () => {
        const state = await ensureReady();
        await moveHead(git, tip ?? undefined, commit);
        await rebuild(state, commit);
      }),

    head: (): Promise<string | undefined> => findHead(git),
    /** As last saved. */
    files: (): ReadonlyMap<string, SavedFile> => files,

    /** Puts objects together when there are many; ends early for a take. To be called while no other git runs. */
    tidy: (signal?: AbortSignal): Promise<void> =>
      inTurn(async () => {
        if (!ready) return;
        tidying = new AbortController();
        const signals = signal ? [tidying.signal, signal] : [tidying.signal];
        try {
          await tidyRepository(git, AbortSignal.any(signals));
        } finally {
          tidying = undefined;
        }
      }),

    close(): void {
      watching?.close();
      state?.close();
      [state, ready] = [undefined, false];
    },
  };
}
