// Which ports a process listens on, with those of what it started; nobody else's.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { findListeningPorts } from "./listening.ts";

const listen = (host: string) =>
  `require("net").createServer().listen(0, "${host}", function () { console.log(this.address().port) })`;

/** The process, and the port that it or its child tells. */
async function start(program: string) {
  const child = spawn(process.execPath, ["-e", program], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  const pid = child.pid ?? 0;
  onTestFinished(() => void process.kill(-pid, "SIGKILL"));
  const port = await new Promise<number>((resolve) =>
    child.stdout.once("data", (text) => resolve(Number(String(text)))),
  );
  return { pid, port };
}

test.skipIf(process.platform !== "linux")("its own, on every address and of both families", async () => {
  for (const host of ["127.0.0.1", "0.0.0.0", "::1"]) {
    const { pid, port } = await start(listen(host));
    expect([...((await findListeningPorts(pid)) ?? [])]).toEqual([port]);
  }
});

test.skipIf(process.platform !== "linux")("those of its children count, those of others do not", async () => {
  const inner = listen("127.0.0.1").replaceAll('"', "'");
  const program = `require("child_process").spawn(process.execPath, ["-e", "${inner}"], { stdio: "inherit" }); setInterval(() => 0, 1e6)`;
  const { pid, port } = await start(program);
  const own = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void own.close());
  expect([...((await findListeningPorts(pid)) ?? [])]).toEqual([port]);
});

test.skipIf(process.platform !== "linux")("none of a process that only connects, or is gone", async () => {
  const { pid, port } = await start(listen("127.0.0.1"));
  const client = spawn(
    process.execPath,
    ["-e", `require("net").connect(${port}, "127.0.0.1", () => console.log(1))`],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  onTestFinished(() => void client.kill("SIGKILL"));
  await new Promise((resolve) => client.stdout.once("data", resolve));
  expect((await findListeningPorts(client.pid ?? 0))?.size).toBe(0);
  expect((await findListeningPorts(2 ** 22))?.size).toBe(0);
  expect((await findListeningPorts(pid))?.size).toBe(1);
});
