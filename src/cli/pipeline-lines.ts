// Stages as lines: what is said of each when it has ended, and the report of a run.
import { existsSync, readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import type { Figure, PipelineRun, StageRecord, StageState, TestSummary } from "../model/pipeline.ts";
import { formatMs } from "./durations.ts";
import type { Paint } from "./terminal.ts";

const marks = {
  waiting: ["dim", "·"],
  running: ["cyan", "›"],
  succeeded: ["green", "✓"],
  failed: ["red", "✗"],
  skipped: ["dim", "-"],
  stopped: ["yellow", "!"],
} as const satisfies Record<StageState, readonly [string, string]>;

/** One line, without its end. */
export function formatStage(stage: StageRecord, paint: Paint): string {
  const [style, mark] = marks[stage.state];
  const { figure, tests, release, artefact, cached, tookMs, why } = stage;
  const took = cached ? "cached" : tookMs === null ? "" : formatMs(tookMs);
  const words = [
    figure && formatFigure(figure),
    tests && formatTests(tests),
    artefact && stage.release === null && `${artefact.kind} ${artefact.digest.slice(0, 19)}`,
    release && `release ${release.release}${release.url === null ? "" : ` at ${release.url}`}`,
    (stage.state === "skipped" || stage.state === "stopped") && why,
  ].filter((part) => typeof part === "string" && part !== "");
  return [`${paint(style, mark)} ${stage.name}`, ...words, ...(took === "" ? [] : [paint("dim", took)])].join(
    "  ",
  );
}

function formatFigure({ name, value, min, max }: Figure): string {
  const bounds = [min === null ? "" : `min ${min}`, max === null ? "" : `max ${max}`].filter(Boolean);
  return `${name} ${value ?? "missing"}${bounds.length === 0 ? "" : ` (${bounds.join(", ")})`}`;
}

function formatTests({ tests, failures, errors, skipped }: TestSummary): string {
  const bad = failures + errors;
  const rest = [bad > 0 ? `${bad} failed` : "", skipped > 0 ? `${skipped} skipped` : ""].filter(Boolean);
  return `${tests} ${tests === 1 ? "test" : "tests"}${rest.length === 0 ? "" : `, ${rest.join(", ")}`}`;
}

const shownLines = 20;

/** What a program prints must not move the cursor, nor rewrite what stands there. */
export function cleanLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  const plain = stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
  return plain.trimEnd();
}

/** Why it failed, its last lines and its log; nothing for another one. */
export function formatFailure(stage: StageRecord, paint: Paint): string {
  if (stage.state !== "failed") return "";
  const { log, tests, name, why } = stage;
  const lines = log !== null && existsSync(log) ? readLast(log) : [];
  return [
    `${paint("red", "error")}: ${name}: ${why ?? "it failed"}`,
    ...(tests?.failed ?? []).map((test) => `  failed: ${cleanLine(test)}`),
    ...lines.map((line) => `  ${paint("dim", "│")} ${cleanLine(line)}`),
    ...(log === null ? [] : [`  log: ${log}`]),
    "",
  ].join("\n");
}

function readLast(path: string): string[] {
  const lines = readFileSync(path, "utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.slice(-shownLines);
}

/** What became of a run, in one line. */
export function formatOutcome({ id, state, stages, createdAt, endedAt }: PipelineRun, paint: Paint): string {
  const count = (fits: (stage: StageRecord) => boolean) => stages.filter(fits).length;
  const cached = count((stage) => stage.cached);
  const words = [
    `${stages.length} ${stages.length === 1 ? "stage" : "stages"}`,
    ...(cached > 0 ? [`${cached} cached`] : []),
    ...(endedAt === null ? [] : [formatMs(endedAt - createdAt)]),
  ];
  const style = state === "succeeded" ? "green" : state === "failed" ? "red" : "yellow";
  return `${id} ${paint(style, state)}: ${words.join(", ")}\n`;
}
