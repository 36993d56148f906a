// What holds for every machine. It is looked at through the machine alone, so that a remote one passes the same suite.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Machine, StartOptions } from "../../src/machine/machine.ts";
import { testLive } from "./machine-live.contract.ts";
import { testTransfers } from "./machine-transfer.contract.ts";

export type MachineUnderTest = {
  machine: Machine;
  /** A folder on the machine that is empty and goes away with `end`. */
  folder: string;
  /** Text of a TypeScript module that exports the same `machine`, for another process. */
  module: string;
  end(): Promise<void>;
};

export function testMachine(name: string, create: () => Promise<MachineUnderTest>): void {
  describe(`the machine ${name}`, { timeout: 120_000 }, () => {
    let under: MachineUnderTest;
    let machine: Machine;
    beforeAll(async () => {
      under = await create();
      machine = under.machine;
    });
    afterAll(() => under.end());

    const out = async (...argv: [string, ...string[]]) => (await machine.run(argv)).stdout.trim();
    let count = 0;
    const newFolder = async () => {
      const path = `${under.folder}/${(count += 1)}`;
      await machine.run(["mkdir", path]);
      return path;
    };
    const lives = async (pid: number) => (await machine.run(["kill", "-0", String(pid)])).exitCode === 0;
    const untilFile = async (path: string) => {
      while ((await machine.run(["test", "-s", path])).exitCode !== 0);
      return out("cat", path);
    };
    const untilDead = async (pid: number) => {
      while (await lives(pid));
    };

    describe("run", () => {
      test("any exit code is an answer, and both streams come back", async () => {
        expect(await machine.run(["sh", "-c", "echo out; echo err >&2; exit 7"])).toMatchObject({
          exitCode: 7,
          stdout: expect.stringMatching(/^out\n?$/) as string,
          stderr: expect.stringMatching(/^err\n?$/) as string,
        });
        expect((await machine.run(["true"])).exitCode).toBe(0);
      });

      test("one that a signal ended did not succeed", async () => {
        expect((await machine.run(["sh", "-c", "kill -9 $$"])).exitCode).toBeGreaterThanOrEqual(128);
      });

      test("T9: operands arrive as they are, whatever a shell would make of them", async () => {
        const operands = [
          "a b",
          "$(touch x)",
          "`id`",
          "'\"",
          "*",
          ";",
          "--",
          "-n",
          "é\n2",
          "",
          "\\",
          "$HOME",
          "&&",
        ];
        const { stdout } = await machine.run(["sh", "-c", 'printf "%s\\0" "$@"', "sh", ...operands]);
        expect(stdout.split("\0").slice(0, -1)).toEqual(operands);
      });

      test("a program that does not exist is COMMAND_MISSING, by name", async () => {
        await expect(machine.run(["sesta-no-such-program", "x"])).rejects.toMatchObject({
          code: "COMMAND_MISSING",
          message: expect.stringContaining("sesta-no-such-program") as string,
        });
      });

      test("in the folder that is said; one that does not exist is an error", async () => {
        const folder = await newFolder();
        expect((await machine.run(["pwd"], { cwd: folder })).stdout.trim()).toContain(
          folder.split("/").at(-1),
        );
        await expect(machine.run(["pwd"], { cwd: `${folder}/none` })).rejects.toMatchObject({
          name: "SestaError",
        });
      });

      test("variables are added; `undefined` removes one", async () => {
        const env = { SESTA_A: "x y $z", HOME: undefined };
        const { stdout } = await machine.run(["sh", "-c", 'echo "$SESTA_A,${HOME-none},${PATH:+path}"'], {
          env,
        });
        expect(stdout.trim()).toBe("x y $z,none,path");
      });

      test("stdin is what is given, and empty when nothing is", async () => {
        const input = `${"ü".repeat(200_000)}\nlast`;
        expect((await machine.run(["cat"], { input })).stdout).toBe(input);
        expect((await machine.run(["cat"])).stdout).toBe("");
      });

      test("much output comes whole", async () => {
        const { stdout } = await machine.run(["sh", "-c", "seq 1 200000"]);
        expect(stdout.trimEnd().split("\n").length).toBe(200_000);
      });

      test("each line of both streams as it comes, also one without an end", async () => {
        const lines: string[] = [];
        const ran = await machine.run(["sh", "-c", "echo one; echo two >&2; printf three; exit 3"], {
          onLine: (line) => lines.push(line),
        });
        expect([lines.toSorted(), ran.exitCode, ran.stderr.trim()]).toEqual([
          ["one", "three", "two"],
          3,
          "two",
        ]);
      });

      test.concurrent("after its time it is ended, and that is COMMAND_FAILED", async () => {
        const pidFile = `${await newFolder()}/pid`;
        const onLine = () => undefined;
        const ran = machine.run(["sh", "-c", `echo $$ >${pidFile}; exec sleep 600`], {
          timeoutMs: 1_500,
          onLine,
        });
        await expect(ran).rejects.toMatchObject({ code: "COMMAND_FAILED" });
        await untilDead(Number(await untilFile(pidFile)));
      });

      test.concurrent("after its time what it started is ended too, also what does not want to", async () => {
        const pidFile = `${await newFolder()}/pid`;
        const since = performance.now();
        const stubborn = `trap "" TERM; echo $$ >${pidFile}; sleep 600; sleep 600`;
        const ran = machine.run(["sh", "-c", `sh -c '${stubborn}' & sleep 600; true`], { timeoutMs: 1_500 });
        await expect(ran).rejects.toMatchObject({ code: "COMMAND_FAILED" });
        await untilDead(Number(await untilFile(pidFile)));
        expect(performance.now() - since).toBeLessThan(20_000);
      });

      test.concurrent("has ended with its program, whoever it left behind holds its streams", async () => {
        const since = performance.now();
        const script = "seq 1 20000; (sleep 1; echo later; exec sleep 60) & seq 1 20000 >&2; exit 3";
        const { exitCode, stdout, stderr } = await machine.run(["sh", "-c", script]);
        expect(performance.now() - since).toBeLessThan(30_000);
        expect([exitCode, stdout.split("\n").length, stderr.split("\n").length]).toEqual([3, 20_001, 20_000]);
      });

      test("an abort ends it, and that is INTERRUPTED; so does one from before", async () => {
        const pidFile = `${await newFolder()}/pid`;
        const stop = new AbortController();
        const ran = machine.run(["sh", "-c", `echo $$ >${pidFile}; exec sleep 600`], {
          signal: stop.signal,
          onLine: () => undefined,
        });
        const refused = expect(ran).rejects.toMatchObject({ code: "INTERRUPTED" });
        const pid = Number(await untilFile(pidFile));
        stop.abort();
        await refused;
        await untilDead(pid);
        await expect(machine.run(["sleep", "600"], { signal: stop.signal })).rejects.toMatchObject({
          code: "INTERRUPTED",
        });
      });
    });

    describe("start", () => {
      const options = (folder: string): StartOptions => ({
        cwd: folder,
        env: {},
        logFile: `${folder}/log`,
        claim: `${folder}/claim`,
      });

      test("leads a group of its own, appends to its log, and is the process that its identity says", async () => {
        const folder = await newFolder();
        const argv = ["sh", "-c", 'echo "$$ $SESTA_B"; echo err >&2; exec sleep 600'] as const;
        const identity = await machine.start(argv, { ...options(folder), env: { SESTA_B: "b" } });
        expect(await lives(identity.pid)).toBe(true);
        expect([identity.bootId, identity.startTime].every((text) => text !== "")).toBe(true);
        while (!(await out("cat", `${folder}/log`)).includes("err"));
        expect((await out("cat", `${folder}/log`)).split("\n")).toEqual([`${identity.pid} b`, "err"]);
        expect(await out("ps", "-o", "pgid=", "-p", String(identity.pid))).toBe(String(identity.pid));
        await machine.run(["kill", "-9", String(identity.pid)]);
      });

      test("T16: its log is the owner's alone", async () => {
        const folder = await newFolder();
        const { pid } = await machine.start(["sleep", "600"], options(folder));
        expect(await out("sh", "-c", `ls -l ${folder}/log | cut -c1-10`)).toBe("-rw-------");
        await machine.run(["kill", "-9", String(pid)]);
      });

      test("never doubled: twenty starts at once with one claim are one process", async () => {
        const folder = await newFolder();
        const argv = ["sh", "-c", `echo started; touch ${folder}/mark; exec sleep 600`] as const;
        const identities = await Promise.all(
          Array.from({ length: 20 }, () => machine.start(argv, options(folder))),
        );
        expect(new Set(identities.map(({ pid }) => pid)).size).toBe(1);
        expect(identities.every((one) => one.startTime === identities[0]?.startTime)).toBe(true);
        const later = await machine.start(argv, options(folder));
        expect(later).toEqual(identities[0]);
        await machine.run(["sh", "-c", `until [ -e ${folder}/mark ]; do sleep 0.05; done`], {
          timeoutMs: 10_000,
        });
        expect((await out("cat", `${folder}/log`)).split("\n")).toEqual(["started"]);
        await machine.run(["kill", "-9", String(later.pid)]);
      });

      test("a claim whose process has ended starts nothing again", async () => {
        const folder = await newFolder();
        const argv = ["sh", "-c", "echo started; exec sleep 600"] as const;
        const { pid } = await machine.start(argv, options(folder));
        while ((await out("cat", `${folder}/log`)) !== "started");
        await machine.run(["kill", "-9", String(pid)]);
        await untilDead(pid);
        await expect(machine.start(argv, options(folder))).rejects.toMatchObject({ code: "START_FAILED" });
        expect(await out("cat", `${folder}/log`)).toBe("started");
      });

      test("F2: it outlives whoever started it, killed with all of its group", async () => {
        const folder = await newFolder();
        const code = `${under.module}
          const identity = await machine.start(["sleep", "600"], ${JSON.stringify(options(folder))});
          console.log(JSON.stringify(identity)); setInterval(() => undefined, 1000);`;
        const child = spawn(
          process.execPath,
          ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", code],
          {
            stdio: ["ignore", "pipe", "inherit"],
            detached: true,
          },
        );
        const [said] = (await once(child.stdout, "data")) as [Buffer];
        const { pid } = JSON.parse(said.toString()) as { pid: number };
        process.kill(-(child.pid ?? 0), "SIGKILL");
        await once(child, "close");
        expect(await lives(pid)).toBe(true);
        await machine.run(["kill", "-9", String(pid)]);
      });
    });

    describe("put", () => {
      test("T16: files below the folder, folders made on the way, all of it the owner's alone", async () => {
        const folder = `${await newFolder()}/new`;
        await machine.put({ "a.txt": "ä\n", "in/ner/b": "" }, folder);
        expect(await out("cat", `${folder}/a.txt`)).toBe("ä");
        const modes = await out("sh", "-c", `cd ${folder} && ls -ld . in in/ner a.txt in/ner/b | cut -c1-10`);
        expect(modes.split("\n").toSorted()).toEqual([
          "-rw-------",
          "-rw-------",
          "drwx------",
          "drwx------",
          "drwx------",
        ]);
      });

      test("F21: who reads meanwhile sees a whole file, and nothing is left beside it", async () => {
        const folder = await newFolder();
        const contents = ["a", "b", "c"].map((letter) => letter.repeat(700_000));
        await machine.put({ file: contents[0] ?? "" }, folder);
        const writing = { done: false };
        const seen = new Set<string>();
        const reading = (async () => {
          while (!writing.done)
            seen.add(await out("sh", "-c", `tr -s a-z <${folder}/file; wc -c <${folder}/file`));
        })();
        for (let round = 0; round < 10; round++)
          for (const content of contents) await machine.put({ file: content }, folder);
        writing.done = true;
        await reading;
        for (const text of seen) expect(text).toMatch(/^[abc]\s*700000$/);
        expect(await out("ls", folder)).toBe("file");
      });
    });

    testLive(() => under);
    testTransfers(() => under);

    test("free space, in bytes", async () => {
      const kilobytes = Number((await out("df", "-Pk", under.folder)).split("\n").at(-1)?.split(/\s+/)[1]);
      const free = await machine.freeBytes(under.folder);
      expect(free > 0 && free <= kilobytes * 1024).toBe(true);
    });

    test("facts are what the system itself says", async () => {
      const { system, arch, cores, memoryBytes, home, user, hostname, gpus } = await machine.facts();
      expect([home, user]).toEqual([await out("sh", "-c", "echo $HOME"), await out("id", "-un")]);
      expect(hostname).toBe(await out("uname", "-n"));
      expect(Array.isArray(gpus)).toBe(true);
      expect(system).toBe((await out("uname", "-s")).toLowerCase());
      const names: Record<string, string> = { x86_64: "x64", aarch64: "arm64", arm64: "arm64" };
      const said = await out("uname", "-m");
      expect(arch).toBe(names[said] ?? said);
      expect(cores).toBeGreaterThanOrEqual(1);
      expect(cores).toBeLessThanOrEqual(Number(await out("getconf", "_NPROCESSORS_ONLN")));
      expect(memoryBytes).toBeGreaterThan(100_000_000);
    });
  });
}
