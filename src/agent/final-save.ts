// The saves of going to sleep: before anything is stopped, and of what was written while it was stopped.
import type { Clock } from "../base/clock.ts";
import type { MachinePlaces } from "../model/agent-protocol.ts";
import type { SaveReport } from "../model/save.ts";
import type { Saver } from "./save/saver.ts";
import { formatCount } from "../model/size.ts";

/** A disk that is kept waits this long for the remote; what is owed then is paid while the workload sleeps. */
const confirmMs = 20_000;

const againMs = 2_000;

export type FinalSave = {
  saver: Pick<Saver, "saveHere" | "confirm" | "report">;
  disk: MachinePlaces["disk"];
  clock: Clock;
  show: (phase: string) => void;
};

/** Why it must stay awake; undefined when it may sleep. Ends early, with undefined, when the signal aborts. */
export async function saveFinally(
  { saver, disk, clock, show }: FinalSave,
  signal: AbortSignal,
): Promise<string | undefined> {
  show("saving the files");
  const here = await saver.saveHere().then(
    () => true,
    () => false,
  );
  if (signal.aborted) return undefined;
  show("waiting for the repository to confirm");
  const enough = new AbortController();
  if (disk === "kept")
    void clock.sleep(confirmMs, AbortSignal.any([signal, enough.signal])).then(
      () => enough.abort(),
      () => undefined,
    );
  const confirmed =
    here && (await saver.confirm(AbortSignal.any([signal, enough.signal])).catch(() => false));
  enough.abort();
  if (signal.aborted || disk === "kept") return undefined;
  return explainUnsaved(saver.report(), confirmed);
}

/**
 * What programs wrote at their end. A disk that is not kept must not go before it is safe elsewhere: this resolves
 * then, or when the signal aborts.
 */
export async function saveLast({ saver, disk, clock, show }: FinalSave, signal: AbortSignal): Promise<void> {
  for (;;) {
    await saver.saveHere().catch(() => undefined); // the report says what failed
    if (disk === "kept" || signal.aborted) return;
    const confirmed = await saver.confirm(signal).catch(() => false);
    const unsaved = explainUnsaved(saver.report(), confirmed);
    if (unsaved === undefined) return;
    show(`cannot end yet: ${unsaved}`);
    await clock.sleep(againMs, signal).catch(() => undefined);
  }
}

/** On a disk that does not come back; undefined when everything is elsewhere too. */
function explainUnsaved(report: SaveReport, confirmed: boolean): string | undefined {
  return confirmed && !report.problem ? findUnsaved(report) : explainOwed(report);
}

/** On a disk that does not come back, what is nowhere else is a reason to stay. */
function findUnsaved({ setAside, held }: SaveReport): string | undefined {
  if (setAside.length > 0)
    return `${formatCount(setAside.length, "file")} cannot be saved, ${setAside[0]?.path ?? ""} first`;
  return held ? `${formatCount(held.gone, "vanished file")} wait for a confirmation` : undefined;
}

function explainOwed({ problem, needsToken }: SaveReport): string {
  if (needsToken) return "the token for its repository is not known";
  return problem?.message ?? "the repository has not confirmed the last save";
}
