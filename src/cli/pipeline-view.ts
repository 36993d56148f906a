// Stages while they go on: a block of lines that is redrawn on a terminal, plain lines elsewhere, groups in GitHub Actions.
import { existsSync, readFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { PipelineWatch } from "../pipelines/ports.ts";
import type { StageRecord } from "../model/pipeline.ts";
import { formatMs } from "./durations.ts";
import { cleanLine, formatFailure, formatStage } from "./pipeline-lines.ts";
import type { Terminal } from "./terminal.ts";

export type PipelineView = PipelineWatch & { close(): void };

/** @param stages names, in their order */
export function createPipelineView(
  terminal: Terminal,
  clock: Clock,
  inActions: boolean,
  stages: readonly string[],
): PipelineView {
  if (inActions) return createGroups(terminal);
  return terminal.liveErr ? createLive(terminal, clock, stages) : createPlain(terminal);
}

function createPlain({ err, paint }: Terminal): PipelineView {
  return {
    begin: () => undefined,
    line: () => undefined,
    end: (record) => err(`${formatStage(record, paint)}\n${formatFailure(record, paint)}`),
    notice: (text) => err(`${paint("yellow", "!")} ${text}\n`),
    close: () => undefined,
  };
}

/** Stages may go on at once, so that each is shown as a group when it has ended. */
function createGroups({ err, paint }: Terminal): PipelineView {
  return {
    begin: () => undefined,
    line: () => undefined,
    end(record) {
      const { log, name, state, cached } = record;
      if (log !== null && !cached && existsSync(log)) {
        // What a stage prints must not be taken for commands to the runner (GitHub, "Workflow commands").
        const token = randomBytes(16).toString("hex");
        const text = readFileSync(log, "utf8");
        err(`::group::${name}\n::stop-commands::${token}\n${text}::${token}::\n::endgroup::\n`);
      }
      err(`${formatStage(record, paint)}\n${formatFailure(record, paint)}`);
      if (state === "failed") err(`::error title=${name}::${escapeCommand(record.why ?? "it failed")}\n`);
    },
    notice: (text) => err(`::notice::${escapeCommand(text)}\n`),
    close: () => undefined,
  };
}

function escapeCommand(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;
/** More stages than this at once are counted, so that the block stays on the screen. */
const mostShown = 8;

/** Stages that have ended stand above, for good; those that go on are two lines each below, then those that wait. */
function createLive(
  { err, paint, columns }: Terminal,
  clock: Clock,
  stages: readonly string[],
): PipelineView {
  const waiting = new Set(stages);
  const running = new Map<string, { since: number; last: string }>();
  let drawn = 0;
  let frame = 0;
  const clear = () => {
    if (drawn > 0) err(`\u001b[${drawn}A\r\u001b[J`);
    drawn = 0;
  };
  const draw = () => {
    frame = (frame + 1) % frames.length;
    const lines = [...running]
      .slice(0, mostShown)
      .flatMap(([name, { since, last }]) => [
        `${paint("cyan", frames[frame] ?? "")} ${cut(name, columns - 20)}  ${paint("dim", formatMs(clock.monotonic() - since))}`,
        `  ${paint("dim", cut(last, columns - 4))}`,
      ]);
    for (const name of [...waiting].slice(0, mostShown))
      lines.push(paint("dim", `· ${cut(name, columns - 4)}`));
    if (running.size > mostShown) lines.push(paint("dim", `  and ${running.size - mostShown} more`));
    const block = lines.map((line) => `${line}\u001b[K\n`).join("");
    err(`${drawn > 0 ? `\u001b[${drawn}A\r` : ""}${block}\u001b[J`);
    drawn = lines.length;
  };
  const timer = setInterval(draw, frameMs).unref();
  const above = (text: string) => {
    clear();
    err(text);
    if (running.size > 0) draw();
  };
  return {
    begin(stage) {
      waiting.delete(stage);
      running.set(stage, { since: clock.monotonic(), last: "" });
      draw();
    },
    line(stage, text) {
      const one = running.get(stage);
      const last = text.split("\r").findLast((part) => part.trim() !== "") ?? "";
      if (one && last !== "") one.last = cleanLine(last);
    },
    end(record: StageRecord) {
      waiting.delete(record.name);
      running.delete(record.name);
      above(`${formatStage(record, paint)}\n${formatFailure(record, paint)}`);
    },
    notice: (text) => above(`${paint("yellow", "!")} ${text}\n`),
    close() {
      clearInterval(timer);
      clear();
    },
  };
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(1, width - 1))}…` : text;
}
