// What the demo prints: chapters, commands with their output, waits that show they are alive, and the table at the end.
import { styleText } from "node:util";

export type Stage = ReturnType<typeof createStage>;
/** `share`: how much of it was Sesta itself, in milliseconds. */
export type Timing = { what: string; ms: number; share?: number | undefined };

const aliveEveryMs = 5_000;
const frameMs = 100;

/** @param live whether a line can be redrawn */
export function createStage(write: (text: string) => void, live: boolean, colour: boolean) {
  const paint = (style: "bold" | "dim" | "cyan" | "green" | "red", text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const timings: Timing[] = [];
  let chapters = 0;

  const stage = {
    chapter: (title: string) => write(`\n${paint("bold", `${(chapters += 1)}. ${title}`)}\n`),
    say: (text: string) => write(`   ${text}\n`),
    command: (text: string) => write(`   ${paint("cyan", `$ ${text}`)}\n`),
    output: (text: string) => {
      for (const line of text.trimEnd().split("\n")) write(`     ${line}\n`);
    },
    problem: (text: string) => write(`\n${paint("red", "the demo failed")}: ${text}\n`),
    took(what: string, ms: number, share?: number): void {
      timings.push({ what, ms, share });
      const own = share === undefined ? "" : `; Sesta's own share ${formatMs(share)}`;
      write(`   ${paint("green", "✓")} ${what} ${paint("dim", `${formatMs(ms)}${own}`)}\n`);
    },
    /** Shows that something goes on while `work` does. */
    async waiting<Result>(text: string, work: Promise<Result>): Promise<Result> {
      const began = performance.now();
      const line = () =>
        `   … ${text} ${paint("dim", `${Math.round((performance.now() - began) / 1000)} s`)}`;
      const timer = setInterval(
        () => write(live ? `\r\u001b[K${line()}` : `${line()}\n`),
        live ? frameMs : aliveEveryMs,
      );
      try {
        return await work;
      } finally {
        clearInterval(timer);
        if (live) write("\r\u001b[K");
      }
    },
    table(): void {
      const rows = timings.map(({ what, ms, share }) => [
        what,
        formatMs(ms),
        share === undefined ? "" : formatMs(share),
      ]);
      const all = [["what happened", "took", "of which Sesta"], ...rows];
      const [first = 0, second = 0] = [0, 1].map((at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
      all.forEach(([what = "", took = "", share = ""], index) => {
        const text = `   ${what.padEnd(first)}  ${took.padStart(second)}  ${share.padStart(14)}`.trimEnd();
        write(`${index === 0 ? paint("dim", text) : text}\n`);
      });
    },
  };
  return stage;
}

export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
