// Who a process is, against real ones: living, dead, dead but not yet collected, and a number that came back.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { findIdentity, getBootId, isAlive, signalGroup } from "./identity.ts";
import type { Ran } from "./machine.ts";
import { startRemote } from "./ssh/start.ts";
import { takeClaim } from "./start-detached.ts";

const noGroup = { detached: true, stdio: "ignore" } as const;

async function started(...[program, ...operands]: [string, ...string[]]) {
  const child = spawn(program, operands, noGroup);
  await once(child, "spawn");
  return { child, pid: child.pid ?? 0 };
}

test("a living process has an identity that stays the same", async () => {
  const own = await findIdentity(process.pid);
  expect(own).toEqual({
    pid: process.pid,
    bootId: await getBootId(),
    startTime: expect.stringMatching(/./) as string,
  });
  expect(await findIdentity(process.pid)).toEqual(own);
  expect(own && (await isAlive(own))).toBe(true);
});

test("a dead process has none, and is signalled no more", async () => {
  const { child, pid } = await started("sleep", "600");
  const identity = await findIdentity(pid);
  if (!identity) throw new Error("it does not run");
  expect(await signalGroup(identity, "SIGKILL")).toBe(true);
  await once(child, "exit");
  expect([await findIdentity(pid), await isAlive(identity), await signalGroup(identity, "SIGTERM")]).toEqual([
    undefined,
    false,
    false,
  ]);
});

test.skipIf(process.platform !== "linux")("a zombie counts as none", async () => {
  // The shell becomes a program that never collects its child.
  const child = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 600"], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const pid = Number(line.toString().trim());
  const state = () => readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "")[0];
  while (state() !== "Z") await new Promise((resolve) => setImmediate(resolve));
  expect(await findIdentity(pid)).toBeUndefined();
  process.kill(-(child.pid ?? 0), "SIGKILL");
  await once(child, "exit");
});

test("F2: a number that was given to another process is not the process that had it", async () => {
  const { child, pid } = await started("sleep", "600");
  const identity = await findIdentity(pid);
  if (!identity) throw new Error("it does not run");
  for (const other of [
    { ...identity, startTime: `${Number(identity.startTime) - 1}` },
    { ...identity, bootId: "00000000-0000-0000-0000-000000000000" },
  ]) {
    expect([await isAlive(other), await signalGroup(other, "SIGKILL")]).toEqual([false, false]);
  }
  expect(await isAlive(identity)).toBe(true);
  process.kill(-pid, "SIGKILL");
  await once(child, "exit");
});

test("a command name of brackets and spaces does not mislead", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sesta-identity-"));
  const program = join(folder, "x) R 1 (y");
  copyFileSync("/bin/sleep", program);
  chmodSync(program, 0o755);
  const { child, pid } = await started(program, "600");
  const other = await started("sleep", "600");
  const [odd, plain] = [await findIdentity(pid), await findIdentity(other.pid)];
  // Both were started within a moment; a misread field would be far off.
  if (process.platform === "linux")
    expect(Math.abs(Number(odd?.startTime) - Number(plain?.startTime))).toBeLessThan(6_000);
  expect(odd && (await isAlive(odd))).toBe(true);
  process.kill(-pid, "SIGKILL");
  process.kill(-other.pid, "SIGKILL");
  await Promise.all([once(child, "exit"), once(other.child, "exit")]);
  rmSync(folder, { recursive: true });
});

test("a signal reaches the whole group", async () => {
  const child = spawn("sh", ["-c", "sleep 600 & echo $!; wait"], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const inner = Number(line.toString().trim());
  const identity = await findIdentity(child.pid ?? 0);
  if (!identity) throw new Error("it does not run");
  expect(await signalGroup(identity, "SIGKILL")).toBe(true);
  await once(child, "close");
  while (await findIdentity(inner)) await new Promise((resolve) => setImmediate(resolve));
});

test.each([0, -1, 2 ** 30, Number.NaN])("%d is no process", async (pid) => {
  expect(await findIdentity(pid)).toBeUndefined();
});

describe.skipIf(process.platform !== "linux")("without /proc", () => {
  // ps(1) of Linux prints starts as that of macOS does; sysctl(8) is played.
  const folder = mkdtempSync(join(tmpdir(), "sesta-identity-"));
  writeFileSync(
    join(folder, "sysctl"),
    '#!/bin/sh\n[ "$2" = kern.boottime ] || { [ -z "$OLD" ] && echo 7D8C-1; exit; }\necho "{ sec = 1 } $(date -d @1)"\n',
    { mode: 0o755 },
  );
  afterAll(() => rmSync(folder, { recursive: true }));
  const elsewhere = (text: string) => text.replaceAll("/proc/", "/nowhere/");
  const zones = ["UTC0", "UTC-9", "UTC+4"];
  const inZone = (TZ: string, more: Record<string, string> = {}) => ({
    ...process.env,
    PATH: `${folder}:${process.env["PATH"]}`,
    TZ,
    ...more,
  });

  test.each(["", "yes"])("an identity is the same in every time zone (an old macOS: %j)", (OLD) => {
    const script = elsewhere(readFileSync(new URL("runs/run-folder.sh", import.meta.url), "utf8"));
    const told = zones.map((zone) =>
      execFileSync("sh", ["-c", `${script}\nfind_start ${process.pid}; echo "$start $boot"`], {
        env: inZone(zone, { OLD }),
        encoding: "utf8",
      }),
    );
    expect(new Set(told).size).toBe(1);
    expect(told[0]).toMatch(OLD === "" ? /:\d\d_\d{4} 7D8C-1$/m : /:\d\d_\d{4} \{_sec_=_1_\}_\S+$/m);
  });

  test("and so is the one that a claim has, here and on a host", async () => {
    const claim = join(folder, "claim");
    mkdirSync(claim);
    const child = spawn("sh", ["-c", elsewhere(takeClaim), claim, "sleep", "600"], {
      ...noGroup,
      env: inZone("UTC-9"),
    });
    while (!existsSync(join(claim, "pid"))) await new Promise((resolve) => setImmediate(resolve));
    const found = zones.map((zone) =>
      startRemote(
        async ([program, ...operands]) => {
          const env = inZone(zone);
          const stdout = execFileSync(program, operands.map(elsewhere), { env, encoding: "utf8" });
          return { exitCode: 0, stdout, stderr: "", signal: null } as unknown as Ran;
        },
        ["sleep", "600"],
        { cwd: folder, logFile: join(folder, "log"), claim, env: {} },
        "a host",
      ),
    );
    const [first, ...others] = await Promise.all(found);
    expect(first).toMatchObject({ pid: child.pid, bootId: "7D8C-1" });
    expect(others).toEqual([first, first]);
    process.kill(-(child.pid ?? 0), "SIGKILL");
    await once(child, "exit");
  });
});
