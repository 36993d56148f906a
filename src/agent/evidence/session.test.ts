// Programs over SSH without a terminal, as the table of processes shows them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import type { ProcessRow } from "../../machine/process-table.ts";
import { collectSessionEvidence } from "./session.ts";

const row = (more: Partial<ProcessRow>): ProcessRow => ({
  pid: 0,
  parent: 1,
  group: 0,
  foreground: 0,
  tty: null,
  name: "sh",
  cpuMs: 0,
  startTime: "1",
  ...more,
});
const connection = row({ pid: 2, name: "sshd", args: ["sshd: ada@notty"] });
const collect = (command: Partial<ProcessRow>) =>
  collectSessionEvidence([connection, row({ parent: 2, ...command })], () => false);

test("one that runs is use; Sesta's own is not", async () => {
  expect(await collect({ pid: 3, name: "rsync", args: ["rsync", "--server"] })).toMatchObject([
    { source: "a program runs over SSH (rsync)", at: "now" },
  ]);
  expect(await collect({ pid: 3, args: ["env SESTA_CONNECTION=1 sh"] })).toEqual([]);
});

test("one that ended while it was looked at is no use", async () => {
  const ended = spawn("true");
  await once(ended, "close");
  expect(await collect({ pid: ended.pid ?? 0 })).toEqual([]);
});
