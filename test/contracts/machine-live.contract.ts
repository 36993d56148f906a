// What holds for every machine while something is open on it: streams, terminals, ports.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { beforeAll, describe, expect, test } from "vitest";
import type { Forward, Machine } from "../../src/machine/machine.ts";
import type { MachineUnderTest } from "./machine.contract.ts";

export function testLive(get: () => MachineUnderTest): void {
  let machine: Machine;
  beforeAll(() => {
    machine = get().machine;
  });
  const lives = async (pid: number) => (await machine.run(["kill", "-0", String(pid)])).exitCode === 0;

  describe("open", () => {
    test("three streams, the exit code, folder and variables", async () => {
      const script = 'pwd; echo "$SESTA_C"; cat; echo err >&2; exit 9';
      const one = await machine.open(["sh", "-c", script], { cwd: get().folder, env: { SESTA_C: "c" } });
      one.stdin.end("input");
      const [out, err, ended] = await Promise.all([text(one.stdout), text(one.stderr), one.ended]);
      expect([out.split("\n").slice(1), err, ended]).toEqual([["c", "input"], "err\n", { exitCode: 9 }]);
    });

    test("a program that does not exist is COMMAND_MISSING; one that a signal ended has 128 or more", async () => {
      const missing = async () => {
        const one = await machine.open(["sesta-no-such-program"]);
        one.stdout.resume();
        one.stderr.resume();
        await one.ended;
      };
      await expect(missing()).rejects.toMatchObject({ code: "COMMAND_MISSING" });
      const killed = await machine.open(["sh", "-c", "kill -9 $$"]);
      killed.stdout.resume();
      killed.stderr.resume();
      expect((await killed.ended).exitCode).toBe(137);
    });

    test("is never held in memory as a whole, and waits for whoever reads slowly", async () => {
      const bytes = 400_000_000;
      const one = await machine.open(["sh", "-c", `head -c ${bytes} /dev/zero`]);
      one.stderr.resume();
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(one.stdout.readableLength).toBeLessThan(1_000_000);
      const before = process.memoryUsage.rss();
      let [seen, most] = [0, 0];
      for await (const chunk of one.stdout) {
        seen += (chunk as Buffer).length;
        most = Math.max(most, process.memoryUsage.rss());
      }
      expect([seen, (await one.ended).exitCode]).toEqual([bytes, 0]);
      expect(most - before).toBeLessThan(200_000_000);
    });

    test.concurrent("whoever reads slowly misses nothing of a program that has ended and left somebody behind", async () => {
      const one = await machine.open(["sh", "-c", "head -c 150000 /dev/zero; echo last; sleep 60 & exit 4"]);
      one.stderr.resume();
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      expect((await text(one.stdout)).length).toBe(150_005);
      expect(await one.ended).toEqual({ exitCode: 4 });
    });

    test.concurrent("stop ends it and what it started, also what does not want to", async () => {
      const script =
        'trap "" TERM; (trap "" TERM; echo $$; exec sleep 600) & sleep 600 & echo $!; wait; sleep 600';
      const one = await machine.open(["sh", "-c", script]);
      one.stderr.resume();
      const [said] = (await once(one.stdout, "data")) as [Buffer];
      one.stdout.resume();
      const pids = said.toString().trim().split("\n").map(Number);
      one.stop();
      expect((await one.ended).exitCode).toBeGreaterThanOrEqual(128);
      for (const pid of pids) while (await lives(pid));
    });
  });

  describe("interact", () => {
    test.each([
      [["sh", "-c", 'cat; pwd; printf "%s|" "$@"; exit 5', "sh", "a b", "'$x`\n!\\", ""], 5],
      [undefined, 0],
    ] as const)("%j gets the streams of whoever asked, and its exit code is told", async (argv, exitCode) => {
      const code = `${get().module}
        const ended = await machine.interact(${JSON.stringify(argv) ?? "undefined"}, { cwd: ${JSON.stringify(get().folder)}, tty: false });
        process.exit(ended.exitCode + 40);`;
      const child = spawn(
        process.execPath,
        ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", code],
        {
          stdio: ["pipe", "pipe", "inherit"],
        },
      );
      child.stdin.end(argv ? "typed\n" : "echo typed; pwd\nexit 0\n");
      const [out, [status]] = await Promise.all([text(child.stdout), once(child, "exit")]);
      expect(out).toContain("typed\n");
      expect(out).toContain(get().folder);
      if (argv) expect(out).toContain("a b|'$x`\n!\\||");
      expect(status).toBe(exitCode + 40);
    });
  });

  describe("forward", () => {
    test("a port there is reached here, until it is closed", async () => {
      const server = await echo({ port: 0, host: "127.0.0.1" });
      const forward = await machine.forward({ port: (server.address() as AddressInfo).port });
      expect(await say(forward, "hello")).toBe("hello");
      await forward.close();
      server.close();
      await expect(say(forward, "hello")).rejects.toThrow();
    });

    test("T3: a Unix socket there is reached here by a path that only its owner can open", async () => {
      const path = `${get().folder}/echo.sock`;
      const server = await echo({ path });
      const forward = await machine.forward({ path });
      expect(await say(forward, "x".repeat(500_000))).toBe("x".repeat(500_000));
      if (forward.path !== path) expect(statSync(forward.path ?? "").mode & 0o77).toBe(0);
      await forward.close();
      server.close();
    });

    test("a port here is reached there", async () => {
      const server = await echo({ port: 0, host: "127.0.0.1" });
      const { port, close } = await machine.expose((server.address() as AddressInfo).port);
      const script = `const s = require("net").connect(${port}, "127.0.0.1"); s.end("over"); s.pipe(process.stdout);`;
      expect((await machine.run([process.execPath, "-e", script])).stdout).toBe("over");
      await close();
      server.close();
    });
  });
}

async function echo(at: { port: number; host: string } | { path: string }): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) =>
    socket.on("error", () => undefined).pipe(socket),
  ).listen(at);
  await once(server, "listening");
  return server;
}

async function say({ port, path }: Forward, words: string): Promise<string> {
  const socket = path === undefined ? connect(port ?? 0, "127.0.0.1") : connect(path);
  await once(socket, "connect");
  socket.end(words);
  const said = await text(socket);
  if (said === "") throw new Error("nothing came back");
  return said;
}
