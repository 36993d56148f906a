// Connections that are cut, fall silent, or lead to somebody else: what was running is told the truth, the next one works.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findHostKey, isPinned, pinHostKey } from "../../src/machine/ssh/host-key.ts";
import type { Machine } from "../../src/machine/machine.ts";
import { createSshMachine } from "../../src/machine/ssh/ssh.ts";
import { findInProcesses } from "../support/canary.ts";
import { root } from "../support/source-files.ts";
import { createSshRig, type SshRig } from "../support/ssh-rig.ts";
import { findMissingSshd, startSshServer } from "../support/ssh-server.ts";
import { findMissingNetwork, makeNetwork } from "./support/network.ts";
import { endAll, listLiving, lives, until } from "./support/processes.ts";

const missing = findMissingSshd();
if (missing !== undefined) console.log(`skipped: ${missing}`);

let folder: string;
let rig: SshRig;
let machine: Machine;
const masters = () => listLiving(folder).filter((pid) => commandOf(pid).includes("ControlPersist"));
const logins = (log = rig.server.log()) => log.split("Accepted publickey").length - 1;

describe.skipIf(missing !== undefined)("over SSH", { timeout: 120_000 }, () => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "sesta-ssh-"));
    rig = await createSshRig(folder);
    machine = await rig.createMachine();
  });
  afterEach(async () => {
    await machine.close().catch(() => undefined);
    await rig.end();
    rmSync(folder, { recursive: true, force: true });
  });

  describe("one connection", () => {
    test("carries twenty runs at once, and those of another process", async () => {
      const runs = Array.from({ length: 20 }, (_, index) =>
        machine.run(["sh", "-c", `sleep 0.2; echo ${index}`]),
      );
      expect((await Promise.all(runs)).map(({ stdout }) => Number(stdout))).toEqual(
        runs.map((_, index) => index),
      );
      expect(logins()).toBe(1);
      const other = await inProcess("console.log((await machine.run(['echo', 'hello'])).stdout);");
      expect(other).toBe("hello\n");
      expect([logins(), masters().length]).toEqual([1, 1]);
    });

    test("is made by one of several processes that begin at once, and serves them all", async () => {
      const code = "console.log((await machine.run(['echo', 'hello'])).stdout);";
      expect(await Promise.all(Array.from({ length: 5 }, () => inProcess(code)))).toEqual(
        Array(5).fill("hello\n"),
      );
      await until(() => masters().length === 1, "more than one connection is left");
      for (const pid of masters()) process.kill(pid, "SIGKILL"); // its socket stays
      expect(await Promise.all(Array.from({ length: 5 }, () => inProcess(code)))).toEqual(
        Array(5).fill("hello\n"),
      );
      await until(() => masters().length === 1, "more than one connection is left");
    });

    test("that was killed is made again by the next command", async () => {
      await machine.run(["true"]);
      for (const pid of masters()) process.kill(pid, "SIGKILL");
      expect((await machine.run(["echo", "again"])).stdout).toBe("again");
      expect(logins()).toBe(2);
    });

    test("comes from a process whose socket path would be too long too", async () => {
      const stateFolder = join(folder, "x".repeat(90));
      const far = await rig.createMachine({ stateFolder });
      expect((await far.run(["echo", "far"])).stdout).toBe("far");
      for (const pid of masters()) process.kill(pid, "SIGKILL");
    });
  });

  describe("F4: a connection that is cut", () => {
    test.each([
      ["by the death of the connection", () => masters()],
      ["by the death of its sshd", () => serverSessions(rig.server.pid)],
    ])("%s is SSH_CONNECTION, at once, and never the program's exit code", async (_, victims) => {
      const one = await machine.open(["sh", "-c", "echo begun; exec sleep 600"]);
      one.stderr.resume();
      await once(one.stdout, "data");
      one.stdout.resume();
      for (const pid of victims()) process.kill(pid, "SIGKILL");
      await expect(one.ended).rejects.toMatchObject({ code: "SSH_CONNECTION" });
      expect((await machine.run(["echo", "again"])).stdout).toBe("again");
    });

    test("a program's own exit code 255 is no broken connection", async () => {
      expect((await machine.run(["sh", "-c", "exit 255"])).exitCode).toBe(255);
      const ran = await machine.run(["sh", "-c", "kill -9 -$(ps -o pgid= -p $$ | tr -d ' ')"]);
      expect(ran.exitCode).toBe(137);
    });

    test("F2: what was started goes on without the connection and without sshd", async () => {
      const options = { cwd: folder, env: {}, logFile: join(folder, "log"), claim: join(folder, "claim") };
      const { pid } = await machine.start(["sleep", "600"], options);
      const port = rig.server.port;
      for (const one of [...serverSessions(rig.server.pid), ...masters(), rig.server.pid])
        process.kill(one, "SIGKILL");
      await expect(machine.run(["true"])).rejects.toMatchObject({
        code: "SSH_CONNECTION",
        hint: expect.any(String) as string,
      });
      expect(lives(pid)).toBe(true);
      const back = await startSshServer(folder, { port });
      expect((await machine.start(["sleep", "600"], options)).pid).toBe(pid);
      process.kill(pid, "SIGKILL");
      await machine.close();
      for (const one of masters()) process.kill(one, "SIGKILL");
      await back.end();
    });

    test("forwards come back by themselves, at the same places", async () => {
      const server = createServer((socket) => socket.on("error", () => undefined).end("here")).listen(
        0,
        "127.0.0.1",
      );
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const [there, exposed] = [await machine.forward({ port }), await machine.expose(port)];
      const read = async (at = 0) =>
        text(connect(at, "127.0.0.1").on("error", () => undefined)).catch(() => "");
      expect([await read(there.port), await read(exposed.port)]).toEqual(["here", "here"]);
      for (const pid of masters()) process.kill(pid, "SIGKILL");
      await until(
        async () => (await read(there.port)) === "here" && (await read(exposed.port)) === "here",
        "no forward",
      );
      await Promise.all([there.close(), exposed.close()]);
      server.close();
    });
  });

  test("T4: the value of a secret is in no command line at either end, and in no file", async () => {
    const canary = "canary-5f1c0e77";
    const ran = machine.run(["sh", "-c", 'sleep 1; echo "${#SESTA_SECRET}"'], {
      env: { SESTA_SECRET: canary },
    });
    const found = new Set<string>();
    const put = machine.put({ file: canary }, join(folder, "put"));
    const options = {
      cwd: folder,
      env: { SESTA_SECRET: canary },
      logFile: join(folder, "log"),
      claim: join(folder, "claim"),
    };
    const started = machine.start(["sleep", "3"], options);
    const over = performance.now() + 1_500;
    while (performance.now() < over) for (const place of await findInProcesses(canary, [])) found.add(place);
    expect((await ran).stdout).toBe(String(canary.length));
    await Promise.all([put, started]);
    expect([...found]).toEqual([]);
  });

  describe("T18: keys", () => {
    test("one that nobody confirmed: nothing is sent, and it is HOST_KEY_UNKNOWN", async () => {
      const access = rig.withEnv({ host: { ...rig.access.host, name: "other" } });
      expect(await isPinned(access)).toBe(false);
      await expect(createSshMachine(access).run(["true"])).rejects.toMatchObject({
        code: "HOST_KEY_UNKNOWN",
      });
      expect(logins()).toBe(0);
    });

    test("is found without a login, with the fingerprint that ssh-keygen says", async () => {
      const { line, fingerprint, knownToUser } = await findHostKey(rig.withEnv());
      const { stdout } = spawnSync("ssh-keygen", ["-lf", `${rig.server.hostKey}.pub`], { encoding: "utf8" });
      expect(fingerprint).toBe(`${stdout.split(" ")[1]} (ED25519)`);
      expect(line.split(" ").slice(0, 2)).toEqual(["box", "ssh-ed25519"]);
      expect([knownToUser, logins()]).toEqual([false, 0]);
    });

    test("another one than was pinned is a hard stop, with both fingerprints", async () => {
      await rig.end();
      const port = rig.server.port;
      const before = (await ownFingerprint(rig.server.hostKey)) ?? "";
      for (const end of ["", ".pub"]) rmSync(`${rig.server.hostKey}${end}`);
      const swapped = await startSshServer(folder, { port });
      const after = (await ownFingerprint(swapped.hostKey)) ?? "";
      const refused = { code: "HOST_KEY_CHANGED", message: expect.stringContaining("box") as string };
      const error = await machine.run(["true"]).catch((caught: unknown) => caught);
      expect(error).toMatchObject(refused);
      expect((error as { problems: string[] }).problems.map((one) => one.split(" ")[1])).toEqual([
        before,
        after,
      ]);
      const pinned = readFileSync(join(rig.access.stateFolder, "known_hosts"), "utf8");
      await expect(machine.put({ a: "secret" }, join(folder, "there"))).rejects.toMatchObject(refused);
      expect([logins(swapped.log()), existsSync(join(folder, "there"))]).toEqual([0, false]);
      expect(readFileSync(join(rig.access.stateFolder, "known_hosts"), "utf8")).toBe(pinned);
      await pinHostKey(rig.withEnv(), (await findHostKey(rig.withEnv())).line);
      expect((await machine.run(["echo", "new"])).stdout).toBe("new");
      await endAll(folder);
      await swapped.end();
    });

    test("another one for which a command of the user's configuration vouches is a hard stop too", async () => {
      await rig.end();
      for (const end of ["", ".pub"]) rmSync(`${rig.server.hostKey}${end}`);
      const swapped = await startSshServer(folder, { port: rig.server.port });
      const [kind, key] = readFileSync(`${swapped.hostKey}.pub`, "utf8").split(" ");
      const configFile = join(folder, "vouching");
      writeFileSync(configFile, `KnownHostsCommand /bin/echo box ${kind} ${key}\n`);
      const access = rig.withEnv({ configFile });
      const vouched = createSshMachine(access);
      await expect(vouched.run(["true"])).rejects.toMatchObject({ code: "HOST_KEY_CHANGED" });
      await expect(vouched.interact(["true"], { tty: false })).rejects.toMatchObject({
        code: "HOST_KEY_CHANGED",
      });
      expect((await findHostKey(access)).line).toBe(`box ${kind} ${key}`);
      expect(logins(swapped.log())).toBe(0);
      await swapped.end();
    });
  });

  test("T9: hosts and users that are options or commands are refused before anything runs", async () => {
    const evil = join(folder, "evil");
    const wrong = [
      `-oProxyCommand=touch ${evil}`,
      `a;touch ${evil}`,
      `$(touch ${evil})`,
      "a b",
      "a\n",
      "",
      "%d",
      "-l",
    ];
    for (const host of wrong) {
      const access = rig.withEnv({ host: { name: "box", host } });
      await expect(createSshMachine(access).run(["true"])).rejects.toThrow(/is no host/);
      await expect(findHostKey(access)).rejects.toThrow(/is no host/);
    }
    for (const user of wrong) {
      const access = rig.withEnv({ host: { ...rig.access.host, user } });
      await expect(createSshMachine(access).run(["true"])).rejects.toThrow(/is no user's name/);
    }
    expect(existsSync(evil)).toBe(false);
  });

  test("the user's own configuration counts: a name of it, by way of a jump host", async () => {
    const inner = mkdtempSync(join(tmpdir(), "sesta-ssh-inner-"));
    const behind = await startSshServer(inner);
    const configFile = join(folder, "config");
    const known = join(folder, "user-known-hosts");
    const user = userInfo().username;
    const pub = readFileSync(`${rig.server.hostKey}.pub`, "utf8");
    writeFileSync(known, `[127.0.0.1]:${rig.server.port} ${pub}`);
    writeFileSync(
      configFile,
      `Host jump\n  HostName 127.0.0.1\n  Port ${rig.server.port}\n  User ${user}\n  IdentityFile ${rig.server.key}\n  UserKnownHostsFile ${known}\n` +
        `Host gpu\n  HostName 127.0.0.1\n  Port ${behind.port}\n  User ${user}\n  IdentityFile ${behind.key}\n  ProxyJump jump\n  RemoteCommand false\n  RequestTTY force\n  LocalForward 127.0.0.1:1 127.0.0.1:1\n`,
    );
    const access = rig.withEnv({ host: { name: "gpu", host: "gpu" }, configFile });
    await pinHostKey(access, (await findHostKey(access)).line);
    const far = createSshMachine(access);
    expect((await far.run(["sh", "-c", "echo $HOME"])).stdout).toBe(behind.home);
    expect(logins(behind.log())).toBe(1);
    expect(logins()).toBeGreaterThanOrEqual(1);
    writeFileSync(join(folder, "a"), "a");
    await far.upload({ folder, files: ["a"] }, join(inner, "up"));
    expect(readFileSync(join(inner, "up", "a"), "utf8")).toBe("a");
    const forward = await far.forward({ port: behind.port });
    await forward.close();
    await far.close();
    await endAll(folder);
    await endAll(inner);
    await behind.end();
    rmSync(inner, { recursive: true, force: true });
  });
});

describe.skipIf(missing !== undefined || findMissingNetwork() !== undefined)(
  "in a network of its own",
  () => {
    test.runIf(process.env["SESTA_FAULTS"] === "full")(
      "F4: a line that falls silent is noticed within 30 s, and works again afterwards",
      { timeout: 120_000 },
      async () => {
        const own = mkdtempSync(join(tmpdir(), "sesta-ssh-"));
        const network = makeNetwork();
        const silent = await createSshRig(own, { listen: network.address, wrap: network.inside });
        try {
          const far = await silent.createMachine();
          const one = await far.open(["sh", "-c", "while :; do echo line; sleep 1; done"]);
          one.stderr.resume();
          await once(one.stdout, "data");
          one.stdout.resume();
          network.drop();
          const since = performance.now();
          const hung = far.run(["true"]);
          await expect(one.ended).rejects.toMatchObject({ code: "SSH_CONNECTION" });
          await expect(hung).rejects.toMatchObject({ code: "SSH_CONNECTION" });
          expect(performance.now() - since).toBeLessThan(30_000);
          const beforeNew = performance.now();
          await expect(far.run(["true"])).rejects.toMatchObject({ code: "SSH_CONNECTION" });
          expect(performance.now() - beforeNew).toBeLessThan(20_000);
          network.pass();
          expect((await far.run(["echo", "again"])).stdout).toBe("again");
          await far.close();
        } finally {
          await silent.end();
          network.end();
          rmSync(own, { recursive: true, force: true });
        }
      },
    );
  },
);

/** Runs it as another process that has the same machine. */
async function inProcess(code: string): Promise<string> {
  const module = `import { createSshMachine } from ${JSON.stringify(join(root, "src/machine/ssh/ssh.ts"))};
    const machine = createSshMachine({ ...${JSON.stringify(rig.access)}, env: process.env });
    ${code}`;
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", module],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  return text(child.stdout);
}

/** The processes of sshd that hold connections. */
function serverSessions(pid: number): number[] {
  const { stdout } = spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
  return stdout.split("\n").map(Number).filter(Boolean);
}

function commandOf(pid: number): string {
  return spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout;
}

async function ownFingerprint(key: string): Promise<string | undefined> {
  return spawnSync("ssh-keygen", ["-lf", `${key}.pub`], { encoding: "utf8" }).stdout.split(" ")[1];
}
