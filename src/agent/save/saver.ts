// Saves one workspace by itself: here within moments, at its remote as soon as that answers, asleep or awake.
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { messageOf, SestaError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { protect } from "../../base/redact.ts";
import type { SaveRule } from "../../model/launch.ts";
import type { SaveReport } from "../../model/save.ts";
import { isOwed } from "./delivery.ts";
import { explainFailure } from "./failure.ts";
import { createGit } from "./git.ts";
import { createKeepHere } from "./keep-here.ts";
import { createKeepThere } from "./keep-there.ts";
import { inTime } from "./in-time.ts";
import { createRemote } from "./remote/remote.ts";
import { isEmptyFolder, refill } from "./refill.ts";
import type { Saving } from "./saving.ts";
import { createSnapshots } from "./commit/snapshots.ts";
import type { Taken } from "./commit/taken.ts";
import { loadStanding, saveStanding, type Standing } from "./standing.ts";
import { createTurn } from "./turn.ts";

export type SaverContext = {
  /** The agent's folder. */
  home: string;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  log: Log;
  /** Nothing is opened before: another saver of the same folder may still be ending. */
  after?: Promise<unknown> | undefined;
};

export type Saved = { name: string; workspace: string; rule: SaveRule };
export type Saver = ReturnType<typeof createSaver>;

/** How long the first contact with the remote may hold up a start on a disk that is kept. */
const meetMs = 30_000;

/** @param tell called whenever the report has changed */
export function createSaver({ home, env, clock, log, after }: SaverContext, saved: Saved, tell: () => void) {
  const { name: workload, workspace } = saved;
  const folder = join(home, "saves", workload);
  const git = createGit(join(folder, "git"), env);
  const ended = new AbortController();
  const here = createTurn(ended.signal);
  const there = createTurn(ended.signal);
  const standings = createTurn();
  let { rule } = saved;
  let token: string | undefined;
  let standing: Standing | undefined;
  let opened: Promise<void> | undefined;
  /** Whether something is owed is to be looked at anew. */
  let unsure = true;

  const snapshots = createSnapshots({
    git,
    folder,
    workspace,
    rule: () => rule,
    workload,
    clock,
    log,
    secrets: () => (token === undefined ? [] : [token]),
    dirty: () => keepHere.touched(),
    large: async (_path, absolute) => {
      const kept = rule.lfs ? await saving.remote.lfs.keep(absolute) : undefined;
      return kept && { pointer: Buffer.from(kept.pointer) };
    },
  });
  const getStanding = (): Standing => {
    if (standing) return standing;
    throw new Error("the saver was used before it was opened");
  };
  const stand: Saving["stand"] = (change) =>
    standings.run(async () => {
      const now = getStanding();
      const next = { ...now, ...(typeof change === "function" ? change(now) : change) };
      await saveStanding(folder, next);
      standing = next;
      tell();
    });
  const open = (): Promise<void> => {
    opened ??= load().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  const load = async (): Promise<void> => {
    await after;
    ended.signal.throwIfAborted();
    standing = await loadStanding(folder);
    await snapshots.open();
    const head = await snapshots.head();
    const owed = await isOwed(saving);
    const { remote, owedSince, savedAt } = standing;
    if (head !== undefined && !owed && owedSince !== null)
      // the remote's word came, and was not noted
      standing = { ...standing, owedSince: null, savedAt: Math.max(owedSince, savedAt ?? 0) };
    if (remote === null || owed) keepThere.owed();
    void snapshots.watch(ended.signal).catch((error: unknown) => {
      if (!ended.signal.aborted) log.error("watching ended", { workload, error: messageOf(error) });
    });
  };
  const looked = async ({ made }: Taken): Promise<void> => {
    unsure ||= made;
    if (unsure && (made || (await isOwed(saving)))) {
      keepThere.owed();
      if (getStanding().owedSince === null) await stand({ owedSince: clock.now() });
    }
    unsure = false;
    tell();
  };

  const keepHere = createKeepHere({
    clock,
    log,
    snapshots,
    here,
    everyMs: () => rule.everyMs,
    without: () => new Set(getStanding().refused),
    open,
    looked,
  });
  const saving: Saving = {
    workload,
    workspace,
    git,
    clock,
    log,
    rule: () => rule,
    snapshots,
    remote: createRemote({ git, rule: () => rule, token: () => token, clock }),
    take: keepHere.take,
    here,
    there,
    standing: getStanding,
    stand,
  };
  const needsToken = (): boolean => rule.token !== undefined && token === undefined;
  const keepThere = createKeepThere({ clock, log, saving, needsToken, open, tell });
  const shut = async (): Promise<void> => {
    await opened?.catch(() => undefined);
    snapshots.close();
  };
  const { promise: closed, resolve: settle } = Promise.withResolvers<void>();
  const within = (signal: AbortSignal) => AbortSignal.any([signal, ended.signal]);

  return {
    saving,
    open,
    report(): SaveReport {
      const { savedAt, owedSince, branch, beside, behind } = standing ?? {
        savedAt: null,
        owedSince: null,
        branch: null,
        beside: null,
        behind: false,
      };
      const taken = keepHere.last();
      return {
        savedAt,
        owedSince,
        branch,
        beside,
        behind,
        problem: keepHere.alarm() ?? keepThere.problem(),
        setAside: taken?.setAside ?? [],
        held: taken?.held ?? null,
        needsToken: needsToken(),
      };
    },
    /** Until `close`. */
    keep(): void {
      void keepHere.keep(ended.signal);
      void keepThere.keep(ended.signal);
    },
    setRule(next: SaveRule): void {
      const elsewhere = next.repo !== rule.repo || next.branch !== rule.branch;
      rule = next;
      unsure ||= elsewhere;
      keepHere.touched();
      if (elsewhere) keepThere.elsewhere();
      else keepThere.retry();
    },
    setToken(value: string): void {
      if (value === token) return;
      protect(value);
      token = value;
      keepThere.retry();
      tell();
    },
    /**
     * What must be there before the workload starts: the content of the repository at the first start, the last save
     * where the disk came back empty.
     * @throws SestaError SAVE_REMOTE when it cannot be had and the disk is not kept
     */
    async prepare(disk: "kept" | "lost", signal: AbortSignal): Promise<void> {
      try {
        await open();
        if (getStanding().remote === null && !needsToken()) {
          await inTime(clock, meetMs, within(signal), keepThere.meet);
        }
        if (await isEmptyFolder(workspace)) await here.run(() => refill(saving, signal));
      } catch (error) {
        log.warn("not prepared", { workload, ...explainFailure(error) });
        signal.throwIfAborted();
      }
      if (disk === "lost" && standing?.remote == null && (await isEmptyFolder(workspace))) {
        throw new SestaError(
          "SAVE_REMOTE",
          `the workspace cannot be restored: ${this.report().problem?.message ?? "the repository was not reached"}`,
          {
            hint: `Run \`sesta save ${workload}\` to see why.`,
          },
        );
      }
    },
    /** Saves now, everything looked at anew, and asks the remote. True when that holds all that can be saved. */
    async save(options: { acceptDeletions: boolean; check: boolean }, signal: AbortSignal): Promise<boolean> {
      await open();
      if (options.check && getStanding().refused.length > 0) await stand({ refused: [] });
      const { acceptDeletions } = options;
      const { alarm } = await here.run(() => keepHere.take({ full: true, acceptDeletions }));
      return (await keepThere.reach(options.check, within(signal))) && alarm === null;
    },
    /** Asks the remote to take what is owed, once. True when it holds it all. */
    confirm: (signal: AbortSignal): Promise<boolean> => keepThere.reach(false, within(signal)),
    /** Saves on this machine only. */
    async saveHere(): Promise<void> {
      await open();
      await here.run(() => keepHere.take({ full: true, acceptDeletions: false }));
    },
    /** Resolves when nothing of it goes on. */
    close(): Promise<void> {
      if (ended.signal.aborted) return closed;
      const done = [here.run(shut), there.run(async () => undefined)];
      ended.abort();
      for (const one of done)
        one.catch((error: unknown) => log.error("not closed", { workload, error: messageOf(error) }));
      void Promise.allSettled(done).then(() => settle());
      return closed;
    },
    closed,
  };
}
