// Who a process is, against real ones: living, dead, dead but not yet collected, and a number that came back.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findIdentity, getBootId, isAlive, signalGroup } from "./identity.ts";

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
