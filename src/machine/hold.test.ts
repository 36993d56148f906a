// A lock of a machine: one at a time, also when whoever has it is killed, or waits no longer.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { holdOnMachine } from "./hold.ts";
import { createHost, type Host } from "./host.ts";
import { createLocalMachine } from "./local.ts";

let home: string;
let host: Host;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "sesta-hold-"));
  host = await createHost(createLocalMachine({ ...process.env, HOME: home }));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const quietly = { signal: new AbortController().signal, onWait: () => undefined };

test("F2: of twenty that want it at once, one works at a time, and each does", async () => {
  let inside = 0;
  const most: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, () =>
      holdOnMachine(host, "many", quietly, async () => {
        most.push((inside += 1));
        await delay(5);
        inside -= 1;
      }),
    ),
  );
  expect(most).toEqual(Array.from({ length: 20 }, () => 1));
});

test("F2: a process that has it and is killed has it no longer; who waits is told that", async () => {
  const done = join(home, "held");
  const module = (name: string) => JSON.stringify(join(import.meta.dirname, name));
  const code = `const [{ holdOnMachine }, { createHost }, { createLocalMachine }] =
      await Promise.all([import(${module("hold.ts")}), import(${module("host.ts")}), import(${module("local.ts")})]);
    const host = await createHost(createLocalMachine(process.env));
    await holdOnMachine(host, "killed", { signal: new AbortController().signal, onWait() {} }, async () => {
      (await import("node:fs")).writeFileSync(${JSON.stringify(done)}, "held");
      await new Promise(() => setInterval(() => undefined, 1_000));
    });`;
  writeFileSync(done, "");
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    env: { ...process.env, HOME: home },
    stdio: ["ignore", "ignore", "inherit"],
  });
  while (readFileSync(done, "utf8") === "") await delay(20);
  const waits = Promise.withResolvers<void>();
  const waiting = holdOnMachine(host, "killed", { ...quietly, onWait: waits.resolve }, async () => "mine");
  await waits.promise;
  child.kill("SIGKILL");
  expect(await waiting).toBe("mine");
});

test("what the work throws is thrown, and the lock is free again", async () => {
  const failing = holdOnMachine(host, "fails", quietly, async () => {
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await holdOnMachine(host, "fails", quietly, async () => "yes")).toBe("yes");
});

test("one that waits ends with its signal", async () => {
  const stop = new AbortController();
  await holdOnMachine(host, "stops", quietly, async () => {
    const waiting = holdOnMachine(
      host,
      "stops",
      { signal: stop.signal, onWait: () => stop.abort() },
      async () => "never",
    );
    await expect(waiting).rejects.toMatchObject({
      code: expect.stringMatching(/INTERRUPTED|SETUP_FAILED/) as string,
    });
  });
});
