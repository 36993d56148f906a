// The command lines of ssh and rsync, and what is refused to them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  buildCommand,
  buildControl,
  buildKeyProbe,
  buildLookup,
  buildMaster,
  buildRsyncShell,
  findHostProblem,
  isNotOpened,
  type SshRoute,
} from "./ssh.ts";
import { buildRsyncFetch, buildRsyncUpload, isRsync, parseRsyncProgress } from "./rsync.ts";

const plain: SshRoute = {
  host: { name: "box", host: "gpu-box" },
  knownHosts: "/p/.sesta/known_hosts",
  controlPath: "/p/.sesta/ssh-1.sock",
  ask: false,
};
const odd: SshRoute = {
  host: { name: "box", host: "192.0.2.7", port: 2222, user: "ada" },
  keyFile: '/p q/100%/"key"',
  knownHosts: "/p q/it's/known_hosts",
  controlPath: "/p q/100%/ssh-1.sock",
  configFile: "/p q/config",
  ask: true,
};
const places = {
  shell: buildRsyncShell(odd),
  mark: "A=1",
  host: "192.0.2.7",
  here: "/here",
  there: "/there/",
};

test("the command lines", async () => {
  const lines = {
    master: buildMaster(plain),
    command: buildCommand(plain, "true"),
    terminal: buildCommand(plain, undefined, { tty: true, alone: true }),
    "odd master": buildMaster(odd),
    "odd command": buildCommand(odd, "true"),
    forward: buildControl(plain, "forward", { flag: "-L", from: { path: "/a:b" }, to: { port: 8888 } }),
    expose: buildControl(plain, "cancel", { flag: "-R", from: { port: 20_000 }, to: { port: 5000 } }),
    exit: buildControl(odd, "exit"),
    key: buildKeyProbe(odd, "/scratch/known_hosts"),
    lookup: buildLookup(odd),
    "rsync's shell": [buildRsyncShell(odd)],
    upload: buildRsyncUpload(places, "/there/before"),
    fetch: buildRsyncFetch({ ...places, host: "2001:db8::1" }),
  };
  const text = Object.entries(lines).map(
    ([name, argv]) => `# ${name}\n${argv.map((word) => JSON.stringify(word)).join("\n")}\n`,
  );
  await expect(text.join("\n")).toMatchFileSnapshot("../../test/golden/ssh/commands.txt");
});

test("an OpenSSH that lacks an option of ours starts, and so does one with a configuration of another system's", () => {
  const folder = mkdtempSync(join(tmpdir(), "sesta-ssh-"));
  const configFile = join(folder, "config");
  writeFileSync(configFile, "Host *\n  IgnoreUnknown UseKeychain\n  UseKeychain yes\n  Compression yes\n");
  const [, ...operands] = buildMaster({ ...plain, configFile });
  const older = operands.map((word) => word.replace("KnownHostsCommand", "SestaKnownHostsCommand"));
  for (const words of [operands, older]) {
    const { status, stdout } = spawnSync("ssh", ["-G", ...words], { encoding: "utf8" });
    expect([status, /^compression (.*)$/m.exec(stdout)?.[1]]).toEqual([0, "yes"]);
  }
  rmSync(folder, { recursive: true });
});

test.each(["gpu-box", "10.0.0.1", "box.example.com", "::1", "[::1]", "fe80::1", "my_box"])(
  "the host %s may be asked",
  (host) => {
    expect(findHostProblem({ name: "box", host })).toBeUndefined();
    expect(findHostProblem({ name: host, host })).toBeUndefined(); // its name where it has no other
  },
);

test.each([
  "-oProxyCommand=x",
  "",
  " ",
  "a b",
  "a;b",
  "a\nb",
  "$(id)",
  "`id`",
  "a|b",
  "a/b",
  "a@b",
  "%h",
  "a'b",
  "é",
])("T9: neither a host, a user nor a name is %j", (word) => {
  const host = { name: "box", host: "box" };
  expect(findHostProblem({ ...host, host: word })).toMatch(/is no host/);
  for (const wrong of [
    { ...host, host: word },
    { ...host, user: word.replace("@", " ") },
  ]) {
    expect(findHostProblem(wrong)).toBeDefined();
    expect(() => buildMaster({ ...plain, host: wrong })).toThrow();
    expect(() => buildControl({ ...plain, host: wrong }, "exit")).toThrow();
  }
  expect(findHostProblem({ ...host, name: word.replace("@", " ") })).toMatch(/name of a host/);
});

test("what ssh says when nothing was begun", () => {
  expect(isNotOpened("Connection closed by UNKNOWN port 65535\r\n")).toBe(true);
  expect(
    isNotOpened("mux_client_request_session: session request failed: Session open refused by peer\r\n"),
  ).toBe(true);
  expect(isNotOpened("Connection to box closed by remote host.")).toBe(false);
});

test("rsync's progress and version", () => {
  expect(parseRsyncProgress("\r  1,234,567  45%    1.20MB/s    0:00:01\r")).toBe(1_234_567);
  expect(
    parseRsyncProgress("\r  32768   0%    0.00kB/s\r 30000000 100%  9MB/s 0:00:00 (xfr#1, to-chk=0/1)\n"),
  ).toBe(30_000_000);
  expect(parseRsyncProgress("sending incremental file list")).toBeUndefined();
  expect(isRsync("rsync  version 3.2.7  protocol version 31")).toBe(true);
  expect(isRsync("rsync  version v3.4.1  protocol version 32")).toBe(true);
  for (const other of [
    "openrsync: protocol version 29",
    "rsync  version 2.6.9 compatible",
    "",
    "rsync  version 3.0.9",
  ])
    expect(isRsync(other)).toBe(false);
});
