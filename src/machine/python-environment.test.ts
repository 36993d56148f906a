// Where an environment is whole: only in the folder that it was made in, by whatever name that is reached.
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createLocalMachine } from "./local.ts";
import { completeMark, isComplete } from "./python-environment.ts";

const scratch = mkdtempSync(join(tmpdir(), "sesta-environment-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const at = (path: string) => join(scratch, path);
const look = (path: string) => isComplete(createLocalMachine(process.env), at(path));

test("a project that was moved or copied has its environments made anew; a link to it has not", async () => {
  mkdirSync(at("project/e"), { recursive: true });
  expect(await look("project/e")).toBe(false);
  writeFileSync(at(`project/e/${completeMark}`), at("project/e"));
  symlinkSync(at("project"), at("link"));
  cpSync(at("project"), at("copy"), { recursive: true });
  expect(await Promise.all(["project/e", "link/e", "copy/e"].map(look))).toEqual([true, true, false]);
  renameSync(at("project"), at("moved"));
  expect(await look("moved/e")).toBe(false);
});
