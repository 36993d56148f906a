// Hosts as they are found: any login shell, one that talks, almost no programs, no room in /tmp, few sessions.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import type { Machine } from "../src/machine/machine.ts";
import { findMissingPackage } from "./support/debian-package.ts";
import { createSshRig, type SshRig } from "./support/ssh-rig.ts";
import { findMissingSshd, type SshServerOptions } from "./support/ssh-server.ts";

const missing = findMissingSshd();
if (missing !== undefined) console.log(`skipped: ${missing}`);

let folder: string;
let rig: SshRig;
let machine: Machine;
async function begin(options: (folder: string) => SshServerOptions, below = tmpdir()): Promise<void> {
  folder = mkdtempSync(join(below, "sesta-host-"));
  rig = await createSshRig(folder, options(folder));
  machine = await rig.createMachine();
}
afterEach(async () => {
  await machine?.close().catch(() => undefined);
  await rig?.end();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything that a machine does, once. */
async function exercise(): Promise<void> {
  const operands = ["a b", "$(id)", "`id`", "'\"", "!", "!!", "\\", "*", "é\n2", "", "~", "-n"];
  const ran = await machine.run(
    ["sh", "-c", 'printf "%s|" "$V" "$@"; echo err >&2; exit 3', "sh", ...operands],
    {
      env: { V: "v !$'\"" },
      cwd: folder,
    },
  );
  expect(ran).toEqual({ exitCode: 3, stdout: `v !$'"|${operands.join("|")}|`, stderr: "err" });
  await expect(machine.run(["sesta-no-such-program"])).rejects.toMatchObject({ code: "COMMAND_MISSING" });
  const there = join(folder, "there");
  await machine.put({ "a b": "one\n", "in/-c'": "two" }, there);
  expect([readFileSync(join(there, "a b"), "utf8"), readFileSync(join(there, "in", "-c'"), "utf8")]).toEqual([
    "one\n",
    "two",
  ]);
  await machine.upload({ folder: there, files: ["a b", "in/-c'"] }, join(folder, "up load"));
  expect(readFileSync(join(folder, "up load", "in", "-c'"), "utf8")).toBe("two");
  const fetched = await machine.get(there, ["*", "none"], join(folder, "here"));
  expect(fetched).toEqual({ files: 2, bytes: 7, skipped: [], missing: ["none"] });
  expect(readFileSync(join(folder, "here", "in", "-c'"), "utf8")).toBe("two");
  const options = {
    cwd: folder,
    env: { V: "v" },
    logFile: join(folder, "log"),
    claim: join(folder, "claim"),
  };
  const { pid } = await machine.start(["sleep", "600"], options);
  expect((await machine.start(["sleep", "600"], options)).pid).toBe(pid);
  process.kill(pid, "SIGKILL");
  const one = await machine.open(["sh", "-c", "echo begun; sleep 600"]);
  one.stderr.resume();
  one.stop();
  const [out, { exitCode }] = await Promise.all([text(one.stdout), one.ended]);
  expect([out, exitCode >= 128]).toEqual(["begun\n", true]);
  expect(await machine.facts()).toMatchObject({ system: "linux", home: rig.server.home });
  expect(await machine.freeBytes(folder)).toBeGreaterThan(0);
}

describe.skipIf(missing !== undefined)("over SSH", { timeout: 120_000 }, () => {
  const shells = ["dash", "bash", "zsh", "fish", "tcsh", "csh", "ksh"];
  test.each(shells)("T9: the login shell %s", async (shell) => {
    const reason = findMissingPackage(shell, () => spawnSync(shell, ["-c", "exit 0"]).status === 0);
    if (reason !== undefined) return void console.log(`skipped: ${reason}`);
    await begin(() => ({ lines: [`ForceCommand exec ${shell} -c "$SSH_ORIGINAL_COMMAND"`] }));
    await exercise();
  });

  test("a login shell that talks before it obeys: its words are nobody's output", async () => {
    await begin((folder) => {
      const said = join(folder, "says");
      writeFileSync(said, "echo welcome; echo 'no newline \\c'; echo 'be welcome' >&2");
      return { lines: [`ForceCommand . ${said}; eval "$SSH_ORIGINAL_COMMAND"`] };
    });
    await exercise();
  });

  test("busybox and nothing else", async () => {
    const reason = findMissingPackage("busybox-static", () => spawnSync("busybox", ["true"]).status === 0);
    if (reason !== undefined) return void console.log(`skipped: ${reason}`);
    await begin((folder) => {
      const bin = join(folder, "bin");
      mkdirSync(bin);
      execFileSync("busybox", ["--install", "-s", bin]);
      return {
        variables: { PATH: bin },
        lines: [`ForceCommand exec ${join(bin, "sh")} -c "$SSH_ORIGINAL_COMMAND"`],
      };
    });
    expect((await machine.run(["sh", "-c", "command -v bash rsync git; echo none"])).stdout).toBe("none");
    await exercise();
  });

  test("F7: no room in /tmp", async () => {
    const fill =
      'mount -t tmpfs -o size=64k tmpfs /tmp && { head -c 1000000 /dev/zero >/tmp/full 2>/dev/null; exec "$@"; }';
    const works =
      process.getuid?.() === 0 && spawnSync("unshare", ["-m", "sh", "-c", fill, "sh", "true"]).status === 0;
    if (!works) return void console.log("skipped: a full /tmp: no file system can be mounted here");
    await begin(() => ({ wrap: ["unshare", "-m", "sh", "-c", fill, "sh"] }), "/var/tmp");
    expect((await machine.run(["sh", "-c", "head -c 100000 /dev/zero >/tmp/more"])).exitCode).not.toBe(0);
    await exercise();
  });

  test("F7: a full disk is DISK_FULL, and leaves nothing that could be taken for whole", async () => {
    const disk =
      'mkdir -p "/var/tmp/sesta 8 disk" && mount -t tmpfs -o size=1m tmpfs "/var/tmp/sesta 8 disk" && exec "$@"';
    const works =
      process.getuid?.() === 0 && spawnSync("unshare", ["-m", "sh", "-c", disk, "sh", "true"]).status === 0;
    if (!works) return void console.log("skipped: a full disk: no file system can be mounted here");
    await begin(() => ({ wrap: ["unshare", "-m", "sh", "-c", disk, "sh"] }));
    const to = "/var/tmp/sesta 8 disk/to";
    expect(await machine.freeBytes("/var/tmp/sesta 8 disk")).toBe(1024 * 1024);
    await expect(machine.put({ a: "x".repeat(3_000_000) }, to)).rejects.toMatchObject({ code: "DISK_FULL" });
    expect((await machine.run(["ls", "-A", to])).stdout).toBe("");
    writeFileSync(join(folder, "big"), Buffer.alloc(3_000_000));
    const upload = machine.upload({ folder, files: ["big"] }, to);
    await expect(upload).rejects.toMatchObject({ code: "DISK_FULL" });
    expect((await machine.run(["ls", to])).stdout).toBe("");
    rmSync("/var/tmp/sesta 8 disk", { recursive: true, force: true });
  });

  test.runIf(process.env["SESTA_FULL"] === "1")(
    "a GPU that fell off its bus holds nothing up for long, and what is no list of GPUs is none",
    async () => {
      const program = () => join(folder, "gpu", "nvidia-smi");
      const nvidiaSmi = (script: string) =>
        writeFileSync(program(), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      await begin((folder) => {
        mkdirSync(join(folder, "gpu"));
        return { variables: { PATH: `${join(folder, "gpu")}:/usr/bin:/bin` } };
      });
      nvidiaSmi("echo 'Tesla T4'; sleep 0.2; echo 'NVIDIA A100-SXM4-40GB'");
      expect(await machine.facts()).toMatchObject({ gpus: ["Tesla T4", "NVIDIA A100-SXM4-40GB"] });
      nvidiaSmi("echo 'NVIDIA-SMI has failed because it has no driver'; exit 9");
      expect(await machine.facts()).toMatchObject({ gpus: [] });
      nvidiaSmi("trap '' TERM; echo 'Tesla T4'; sleep 600; exit 0");
      const since = performance.now();
      expect(await machine.facts()).toMatchObject({ gpus: [], home: rig.server.home });
      expect(performance.now() - since).toBeLessThan(25_000);
    },
  );

  test("an sshd that takes two commands at a time: the others wait", async () => {
    await begin(() => ({ lines: ["MaxSessions 2"] }));
    const runs = Array.from({ length: 8 }, (_, index) =>
      machine.run(["sh", "-c", `sleep 0.3; echo ${index}`]),
    );
    expect((await Promise.all(runs)).map(({ stdout }) => Number(stdout))).toEqual(
      runs.map((_, index) => index),
    );
    const busy = await Promise.all([1, 2].map(() => machine.open(["sleep", "4"]))); // both have begun
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 1_500);
    await expect(machine.run(["true"], { signal: stop.signal })).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
    const waits = machine.open(["true"], { signal: AbortSignal.timeout(1_000) });
    await expect(waits).rejects.toMatchObject({ code: "INTERRUPTED" });
    await Promise.all(busy.map(({ ended }) => ended));
    await exercise();
    expect(rig.server.log().split("Accepted publickey").length - 1).toBeLessThanOrEqual(2);
  });

  test("an sshd that forwards nothing says so", async () => {
    await begin(() => ({ lines: ["AllowTcpForwarding no", "AllowStreamLocalForwarding no"] }));
    await expect(machine.expose(9)).rejects.toMatchObject({
      code: "SSH_CONNECTION",
      hint: expect.stringContaining("AllowTcpForwarding") as string,
    });
    await exercise();
  });

  test("a key that the host does not let in is SSH_CONNECTION, with what to do", async () => {
    await begin(() => ({}));
    const key = join(folder, "other");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    const other = await rig.createMachine({ host: { ...rig.access.host, key } });
    await expect(other.run(["true"])).rejects.toMatchObject({
      code: "SSH_CONNECTION",
      message: expect.stringContaining("Permission denied") as string,
      hint: expect.stringContaining("key") as string,
    });
    expect(existsSync(key)).toBe(true);
  });
});
