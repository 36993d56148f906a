// The local half of autosave: from the workspace on disk to a commit in the private repository.
import { dirname } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import { workRef } from "../../../commands/git.ts";
import type { SaveRule } from "../../../model/launch.ts";
import { explainAlarm, refuseFull, refuseOther } from "./alarm.ts";
import { createAsides } from "../look/asides.ts";
import { buildMessage, findAuthor, type Author } from "./commit-words.ts";
import { createCurrentRules } from "../look/current-rules.ts";
import { createDeletions, describeHeld } from "../look/deletions.ts";
import { gather, type Gathered, type SaveLarge } from "../look/gather.ts";
import type { Git } from "../git.ts";
import { findGone, type Files } from "../look/gone.ts";
import { createImport, type ImportStream } from "./import-stream.ts";
import { createLedger } from "./ledger.ts";
import { buildNextSave } from "./next-save.ts";
import { createOutlook } from "../look/outlook.ts";
import { findHead, removeLeftovers } from "./repository.ts";
import type { Scanned } from "../look/scan.ts";
import type { Taken, TakeOptions } from "./taken.ts";
import { createTidying } from "./tidying.ts";
import { createTurn } from "../turn.ts";
import { parentOf } from "../look/workspace-path.ts";

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

export type Snapshots = ReturnType<typeof createSnapshots>;

/** Calls queue up: one scan, or one git that writes, at a time. */
export function createSnapshots(options: SnapshotOptions) {
  const { git, folder, workspace, clock, log, dirty, reserveBytes = 64 * 1024 ** 2 } = options;
  const ledger = createLedger({ git, folder, log });
  const asides = createAsides();
  const deletions = createDeletions(clock);
  const rules = createCurrentRules(options.rule, options.secrets);
  const outlook = createOutlook({
    workspace,
    skip: dirname(dirname(folder)),
    isKnown: (path, stamp) => ledger.isKnown(path, stamp) || asides.isKnown(path, stamp),
    rules: rules.get,
    clock,
    dirty,
  });
  let author: Author | undefined;

  const turn = createTurn();
  const tidying = createTidying(git);
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    tidying.interrupt();
    return turn.run(work);
  }

  async function open(): Promise<void> {
    if (ledger.isOpen()) return;
    await ledger.open();
    outlook.doubt();
  }

  const findGoneNow = (scanned: Scanned): string[] =>
    findGone(ledger.files(), scanned, asides.unreadable(), rules.get());

  async function takeNow(take: TakeOptions): Promise<Taken> {
    let stream: ImportStream | undefined;
    try {
      refuseFull(folder, reserveBytes);
      await open();
      if (rules.refresh(take.without ?? new Set())) {
        asides.forget();
        outlook.doubt();
      }
      const all = take.full || take.acceptDeletions || outlook.mustLookEverywhere();
      outlook.doubt(); // until this take is done
      const scanned = await outlook.look(all, [...asides.changing.keys()].map(parentOf));
      asides.see(scanned);
      const gone = findGoneNow(scanned);
      const [id, before] = [scanned.folders.get("")?.id ?? "", ledger.findPlace()];
      if (!take.acceptDeletions)
        refuseOther(workspace, { id, before, gone: gone.length, of: ledger.files().size });
      stream = createImport(git);
      const gathered = await gatherFrom(scanned, take, stream);
      const taken = await commit(take, gathered, gone, stream);
      if (before !== id) ledger.setPlace(id);
      outlook.trust();
      return taken;
    } catch (error) {
      await stream?.abort();
      const alarm = explainAlarm(error, workspace);
      if (!alarm) throw error;
      log.warn("nothing was saved", { workload: options.workload, why: alarm.message });
      if (alarm.kind !== "workspace") ledger.doubt();
      if (stream) removeLeftovers(git.folder);
      return { ...answer(), made: false, changed: 0, alarm, again: false };
    }
  }

  const gatherFrom = (scanned: Scanned, { without }: TakeOptions, stream: ImportStream): Promise<Gathered> =>
    gather(
      {
        workspace,
        files: ledger.files(),
        candidates: scanned.candidates,
        rules: rules.get(),
        maxFileBytes: options.rule().maxFileBytes,
        secrets: options.secrets(),
        without: without ?? new Set(),
        changing: asides.changing,
        now: () => clock.now(),
        large: options.large,
      },
      stream,
    );

  async function commit(
    { acceptDeletions, merge, message }: TakeOptions,
    gathered: Gathered,
    gone: readonly string[],
    stream: ImportStream,
  ): Promise<Taken> {
    const files = ledger.files();
    asides.read(gathered.asides, [...gathered.write.keys(), ...gathered.touch.keys()]);
    const oids = [...gathered.write.values()].map(({ oid }) => oid);
    const judged = acceptDeletions ? { remove: gone, hold: [], lost: 0 } : deletions.judge(files, gone, oids);
    const { write, remove, rows } = buildNextSave(files, gathered, judged.remove, judged.hold);
    const changed = write.size + remove.size;
    const before = ledger.tip();
    let tip = before;
    if (changed > 0 || merge !== undefined) {
      tip = await stream.commit({
        ref: workRef,
        from: before,
        merge,
        author: options.rule().author ?? (author ??= await findAuthor(git)),
        at: clock.now(),
        message: message ?? buildMessage(options.workload, [...[...write.keys()].toSorted(), ...remove]),
        remove: [...remove],
        write,
      });
    }
    deletions.count(judged.lost);
    if (tip !== before || rows.size > 0) await ledger.record(tip, rows, remove);
    return { ...answer(), made: tip !== before, changed, alarm: null, again: asides.changing.size > 0 };
  }

  const answer = (): Pick<Taken, "commit" | "setAside" | "held"> => ({
    commit: ledger.tip(),
    setAside: asides.list(),
    held: describeHeld(ledger.files()),
  });

  /** Whatever was not heard is seen here. */
  async function rescan(): Promise<void> {
    if (!ledger.isOpen()) return dirty();
    const missing = outlook.isMissing();
    try {
      const scanned = await outlook.look(true);
      const gone = findGoneNow(scanned).filter((path) => ledger.files().get(path)?.held !== true);
      if (scanned.candidates.size === 0 && gone.length === 0 && !missing) return;
    } catch {
      if (missing) return;
    }
    outlook.doubt();
    dirty();
  }

  return {
    /** Makes or mends the repository and loads what is known. What stands in the way is the alarm of the next take. */
    open: (): Promise<void> =>
      inTurn(async () => {
        try {
          await open();
        } catch (error) {
          if (!explainAlarm(error, workspace)) throw error;
          log.warn("the saves cannot be opened", { why: messageOf(error) });
        }
      }),

    /** Until the signal aborts. */
    watch: (signal: AbortSignal): Promise<void> => outlook.watch(signal, () => inTurn(rescan)),

    take: (take: TakeOptions): Promise<Taken> => inTurn(() => takeNow(take)),

    /** The base is now this commit; the former stays reachable under refs/sesta/old. null: begin with nothing. */
    adopt: (commit: string | null): Promise<void> =>
      inTurn(async () => {
        await ledger.adopt(commit);
        deletions.forget();
        outlook.doubt();
      }),

    head: (): Promise<string | undefined> => findHead(git),
    /** As last saved. */
    files: (): Files => ledger.files(),

    /** Puts objects together when there are many; ends early for a take. To be called while no other git runs. */
    tidy: (signal?: AbortSignal): Promise<void> =>
      inTurn(async () => {
        if (ledger.isOpen()) await tidying.run(signal);
      }),

    close(): void {
      outlook.close();
      ledger.close();
    },
  };
}
