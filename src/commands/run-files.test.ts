// The files of a run hold any value as it is, whatever a shell would make of it.
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { buildRunFiles, type RunOrder } from "./run-files.ts";
import { quoteWord, quoteWords } from "./shell-words.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-run-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const order: RunOrder = {
  spec: {
    slots: "none",
    timeoutS: 0,
    retries: 0,
    delayS: 5,
    graceS: 10,
    gatherS: 0,
    engine: "",
    container: "",
    stdoutFile: "",
  },
  env: {},
  path: [],
  argv: ["true"],
  links: [],
  gpu: false,
};
/** Any text that can be an argument at all. */
const word = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));

function runSh(script: string, ...operands: string[]): string {
  return execFileSync("sh", ["-c", script, "sh", ...operands], { encoding: "utf8" });
}

test("T9: quoted words are the words that they were", () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), (words) => {
      const printed = runSh(`set -- ${quoteWords(words)}; for one in "$@"; do printf '%s\\0' "$one"; done`);
      expect(Buffer.from(printed).toString()).toBe(
        words.map((one) => `${Buffer.from(one).toString()}\0`).join(""),
      );
    }),
    { numRuns: 60 },
  );
  expect(() => quoteWord("a\0b")).toThrow("NUL");
});

test("T9: variables, arguments and file names come through as they are", () => {
  fc.assert(
    fc.property(word, (text) => {
      const value = Buffer.from(text).toString();
      const files = buildRunFiles({ ...order, env: { A: value }, argv: ["printf", "%s\\0", value] });
      writeFileSync(join(folder, "env"), files["env"] ?? "");
      writeFileSync(join(folder, "invoke"), files["invoke"] ?? "");
      const printed = runSh('. "$1/env"; . "$1/invoke"; "$@"; printf "%s" "$A"', folder);
      expect(printed).toBe(`${value}\0${value}`);
    }),
    { numRuns: 60 },
  );
});

test("T9: a link lands in the run's folder under any name that the project file lets through", () => {
  const to = "data/a b'c$(x)\"";
  const files = buildRunFiles({ ...order, links: [{ from: "/nowhere/x y", to }] });
  writeFileSync(join(folder, "links"), files["links"] ?? "");
  runSh('cd "$1" && . ./links', folder);
  expect(readlinkSync(join(folder, to))).toBe("/nowhere/x y");
});

test("a parent that is a link in the sources becomes a folder; what it led to stays", () => {
  const elsewhere = mkdtempSync(join(folder, "elsewhere-"));
  mkdirSync(join(elsewhere, "b/mnist"), { recursive: true });
  writeFileSync(join(elsewhere, "b/mnist/theirs"), "");
  const work = mkdtempSync(join(folder, "work-"));
  mkdirSync(join(work, "deep"));
  for (const name of ["a", "deep/a"]) symlinkSync(elsewhere, join(work, name));
  const links = ["a/b/mnist", "deep/a/b/mnist"].map((to) => ({ from: "/nowhere", to }));
  writeFileSync(join(work, "links"), buildRunFiles({ ...order, links })["links"] ?? "");
  runSh('cd "$1" && . ./links', work);
  expect(readdirSync(join(elsewhere, "b/mnist"))).toEqual(["theirs"]);
  for (const { to } of links) expect(readlinkSync(join(work, to))).toBe("/nowhere");
});
