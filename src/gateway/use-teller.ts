// Tells the agent what people do at the doors, seldom enough for a crowd and without losing the last of it.
import type { Clock } from "../base/clock.ts";
import type { UseKind } from "../model/agent-protocol.ts";

/** Never rejects. */
export type TellUse = (name: string, source: string, kind: UseKind) => Promise<unknown>;

/** Frames come as fast as people type. */
const framesEveryMs = 1_000;

/**
 * One call at a time for each workload and kind: what happens meanwhile is told in one more call afterwards, so that
 * a change is known to the agent however many came right before it. Frames are told once a second at most.
 */
export function createUseTeller(clock: Clock, tell: TellUse) {
  const telling = new Map<string, { again: string | undefined }>();
  const toldFrame = new Map<string, number>();

  async function run(name: string, source: string, kind: UseKind): Promise<void> {
    const key = `${kind} ${name}`;
    const mine: { again: string | undefined } = { again: source };
    telling.set(key, mine);
    while (mine.again !== undefined) {
      const now = mine.again;
      mine.again = undefined;
      await tell(name, now, kind);
    }
    telling.delete(key);
  }

  return (name: string, source: string, kind: UseKind): void => {
    if (kind === "frame") {
      const now = clock.monotonic();
      if (now - (toldFrame.get(name) ?? -Infinity) < framesEveryMs) return;
      toldFrame.set(name, now);
    }
    const running = telling.get(`${kind} ${name}`);
    if (running) running.again = source;
    else void run(name, source, kind);
  };
}
