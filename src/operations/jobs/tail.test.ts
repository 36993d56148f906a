// The last lines of an output, whatever stands at its beginning and its end.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createLocalMachine } from "../../machine/local.ts";
import { tailRun } from "./tail.ts";

const base = mkdtempSync(join(tmpdir(), "sesta-tail-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const machine = createLocalMachine(process.env);
const host = {
  machine,
  base,
  facts: { system: "linux", arch: "", cores: 1, memoryBytes: 1, home: "", user: "", hostname: "", gpus: [] },
} as const;

test.each<[string, number, string]>([
  ["a\nb\nc\n", 2, "b\nc\n"],
  ["a\nb\nc", 2, "b\nc"],
  ["a\n", 5, "a\n"],
  ["", 5, ""],
  ["\n", 5, "\n"],
  ["\n\na\n", 10, "\n\na\n"],
  ["\na\n\n", 2, "a\n\n"],
  ["\r50%\r100%", 1, "\r50%\r100%"],
])("of %j the last %i", async (text, lines, wanted) => {
  mkdirSync(join(base, "runs/r"), { recursive: true });
  writeFileSync(join(base, "runs/r/output"), text);
  const { bytes, end } = await tailRun(host, "r", "output", lines);
  expect([bytes.toString(), end]).toEqual([wanted, text.length]);
});
