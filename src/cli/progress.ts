// Shows long work on stderr: a line that moves on a terminal, one line a step elsewhere.
import type { Clock } from "../base/clock.ts";
import type { ProgressEvent } from "../model/plan.ts";
import { formatMs } from "./durations.ts";
import { formatBar } from "../model/bar.ts";
import type { Terminal } from "./terminal.ts";

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;

export type Reporter = {
  step(event: ProgressEvent): void;
  /** Something that goes on until the next one; shown only where lines can be redrawn. */
  show(text: string): void;
  /** A transfer: how many bytes of how many are over. */
  bytes(label: string, done: number, total: number): void;
  /** Takes away what is shown, for other lines; what comes next is shown again. */
  clear(): void;
  end(): void;
};

type Shown = { label: string; detail: string; since: number };

export function createReporter(terminal: Terminal, clock: Clock): Reporter {
  const { paint, err, liveErr } = terminal;
  /** Steps that go on, the one that was told of last at the end. */
  const running = new Map<string, Shown>();
  let current: Shown | undefined;
  let heading = "";
  let frame = 0;
  const draw = () => {
    if (!current) return;
    frame = (frame + 1) % frames.length;
    const { label, detail, since } = current;
    const took = formatMs(clock.monotonic() - since);
    // A line that wraps could not be cleared again.
    const shown = `${label} ${detail}`.trimEnd().slice(0, terminal.columns - took.length - 5);
    const words = shown.slice(0, label.length) + paint("dim", shown.slice(label.length));
    err(`\r\u001b[K${frames[frame]} ${words}  ${paint("dim", took)}`);
  };
  const timer = liveErr ? setInterval(draw, frameMs).unref() : undefined;
  const clear = () => {
    if (liveErr && current) err("\r\u001b[K");
    current = undefined;
  };

  return {
    step({ workload, step, state, detail, stage }) {
      const wanted = stage === undefined ? heading : `${stage} ${workload}`;
      if (wanted !== heading) {
        clear();
        err(`${paint("bold", wanted)}\n`);
        heading = wanted;
      }
      const key = `${workload}/${step}`;
      const label = workload === "" ? step : `${workload}: ${step}`;
      const since = running.get(key)?.since ?? clock.monotonic();
      running.delete(key);
      if (state === "running") {
        current = { label, detail: detail ?? "", since };
        running.set(key, current);
        if (liveErr) draw();
        return;
      }
      clear();
      const took = paint("dim", formatMs(clock.monotonic() - since));
      const mark = state === "failed" ? paint("red", "✗") : paint("green", "✓");
      err(`${mark} ${label}${detail === undefined ? "" : ` ${paint("dim", detail)}`}  ${took}\n`);
      current = [...running.values()].at(-1);
      if (liveErr) draw();
    },
    show(text) {
      if (!liveErr) return;
      current = { label: text, detail: "", since: current?.since ?? clock.monotonic() };
      draw();
    },
    bytes(label, done, total) {
      this.show(`${label} ${formatBar(done, total)}`);
    },
    clear,
    end() {
      clear();
      clearInterval(timer);
    },
  };
}
