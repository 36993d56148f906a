// The table of processes: lines of proc(5) and of macOS's ps, and this very process found in it.
import process from "node:process";
import { expect, test } from "vitest";
import {
  findTree,
  listProcesses,
  parsePs,
  parseStat,
  readArguments,
  readVariables,
} from "./process-table.ts";

test("a line of proc(5)/stat, with a name that looks like fields", () => {
  const line =
    "4711 (a) S 1 (b) S 20 4711 30 34817 4800 4194304 1 2 3 4 150 25 9 9 20 0 1 0 987654 1 1 18446744073709551615";
  expect(parseStat(line)).toEqual({
    pid: 4711,
    parent: 20,
    group: 4711,
    foreground: 4800,
    tty: "/dev/pts/1",
    name: "a) S 1 (b",
    cpuMs: 1_750,
    startTime: "987654",
  });
});

test.each([
  [0, null],
  [1025, null], // tty1
  [34_816, "/dev/pts/0"],
  [35_071, "/dev/pts/255"],
  [35_072, "/dev/pts/256"], // by major number
  [34_816 + (1 << 20), "/dev/pts/256"], // by minor number
])("terminal %d is %s", (device, tty) => {
  expect(parseStat(`1 (x) S 0 1 1 ${device} -1 0`)).toMatchObject({ tty, foreground: 0 });
});

test("what has ended is not in the table", () => {
  expect([parseStat("1 (x) Z 0 1 1 0 -1"), parseStat(""), parseStat("garbage")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("lines of macOS's ps", () => {
  const shell = "  501   499   501   733 ttys003  Ss     0:00.42 Mon Jan  2 15:04:05 2006     -zsh";
  expect(parsePs(shell)).toEqual({
    pid: 501,
    parent: 499,
    group: 501,
    foreground: 733,
    tty: "/dev/ttys003",
    name: "-zsh",
    cpuMs: 420,
    startTime: "Mon Jan 2 15:04:05 2006",
    args: ["-zsh"],
  });
  const program =
    "733 501 733 733 ttys003 R+ 83:10.07 Mon Jan  2 15:04:09 2006     /opt/x/bin/python train.py";
  expect(parsePs(program)).toMatchObject({
    name: "python",
    cpuMs: 4_990_070,
    args: ["/opt/x/bin/python", "train.py"],
  });
  const server = "1 0 1 0 ?? Ss 1-02:03:04 Mon Jan  2 15:00:00 2006 /sbin/launchd";
  expect(parsePs(server)).toMatchObject({ tty: null, foreground: 0, cpuMs: 93_784_000 });
  expect(parsePs("2 1 2 0 ?? Z 0:00.00 Mon Jan  2 15:00:00 2006 (gone)")).toBeUndefined();
  expect(parsePs("")).toBeUndefined();
});

test("this process is in the table, with its command line and what it began with", async () => {
  const rows = await listProcesses();
  const self = rows.find(({ pid }) => pid === process.pid);
  expect(self).toMatchObject({ parent: process.ppid });
  if (!self) return;
  expect((await readArguments(self)).length).toBeGreaterThan(0);
  expect(findTree(rows, process.ppid).has(process.pid)).toBe(true);
  if (process.platform === "linux") expect((await readVariables(self))?.get("NO_COLOR")).toBe("1");
});
