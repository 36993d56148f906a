// The log's lines: JSON, one each, at the clock's time, without secrets.
import { expect, test } from "vitest";
import { createLog, silentLog } from "./log.ts";
import { protect } from "./redact.ts";

function collect() {
  const lines: string[] = [];
  return {
    lines,
    log: createLog(
      (line) => lines.push(line),
      () => Date.UTC(2030, 0, 2, 3, 4, 5),
    ),
  };
}

test("one JSON object a line, whatever the text holds", () => {
  const { lines, log } = collect();
  log.info("first\nsecond \u001b[31m", { workload: "notebook", try: 2, gone: undefined, none: null });
  log.error("x");
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line).toMatch(/^[^\n]+\n$/);
  expect(JSON.parse(lines[0] ?? "")).toEqual({
    at: "2030-01-02T03:04:05.000Z",
    level: "info",
    message: "first\nsecond \u001b[31m",
    workload: "notebook",
    try: 2,
    none: null,
  });
  expect(JSON.parse(lines[1] ?? "")).toMatchObject({ level: "error", message: "x" });
});

test("each level is named", () => {
  const { lines, log } = collect();
  for (const level of ["debug", "info", "warn", "error"] as const) log[level](level);
  expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual([
    "debug",
    "info",
    "warn",
    "error",
  ]);
});

test("T4: a secret is blanked in the message, in a field and in an address", () => {
  const { lines, log } = collect();
  protect("log-canary-7f3a");
  log.warn("got log-canary-7f3a", { url: "http://h/?pass=other-value", field: "log-canary-7f3a" });
  expect(lines.join("")).not.toMatch(/log-canary|other-value/);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ message: "got [redacted]", field: "[redacted]" });
});

test("T4: a secret that JSON escapes is blanked as well", () => {
  const { lines, log } = collect();
  const secret = 'quo"te\\back';
  protect(secret);
  log.info(`got ${secret} here`);
  expect(lines.join("")).not.toContain("back");
});

test("the silent log takes everything and keeps nothing", () => {
  expect(silentLog.info("x", { a: 1 })).toBeUndefined();
});
