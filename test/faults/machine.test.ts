// A machine that lacks something: programs, permission, space, a home. Each is one clear error, and nothing is lost.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sestaProgram } from "../support/published-form.ts";
import { createAgentRig } from "./support/agent-rig.ts";
import { asUser, asUserProblem, hand } from "./support/as-user.ts";
import { lives, until } from "./support/processes.ts";
import { createStubProject } from "./support/stub-project.ts";

const cli = [process.execPath, "--disable-warning=ExperimentalWarning", sestaProgram];
const yaml = "name: machine\nworkloads:\n  notebook: { type: lab }\n";

let folder: string;
let project: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sesta-machine-"));
  project = join(folder, "project");
  mkdirSync(join(project, "notebook"), { recursive: true });
  writeFileSync(join(project, "sesta.yaml"), yaml);
  writeFileSync(join(project, "notebook", "work.txt"), "hours of work");
});
afterEach(() => {
  if (existsSync(join(project, "notebook", "work.txt"))) {
    expect(readFileSync(join(project, "notebook", "work.txt"), "utf8")).toBe("hours of work");
  }
  rmSync(folder, { recursive: true, force: true });
});

type Expected = { code: string; exit: number; says: RegExp };

/** Runs it and expects one error, with something to try and without a stack. */
function refuse(argv: readonly string[], env: NodeJS.ProcessEnv, { code, exit, says }: Expected): void {
  const cache = join(folder, "cache");
  const ran = (more: readonly string[]) => {
    const [program = "", ...operands] = [...argv, ...more];
    return spawnSync(program, operands, {
      cwd: folder,
      env: { ...process.env, SESTA_CACHE: cache, ...env },
      encoding: "utf8",
    });
  };
  const { status, stdout, stderr } = ran([]);
  expect([status, stdout]).toEqual([exit, ""]);
  expect(stderr).toMatch(says);
  expect(stderr.match(/^error: /gm)).toHaveLength(1);
  expect(stderr).toMatch(/^try: \S/m);
  expect(stderr).not.toMatch(/^\s+at |This is a bug/m);
  const json = ran(["--json"]);
  expect([json.status, (JSON.parse(json.stdout) as { error: { code: string } }).error.code]).toEqual([
    exit,
    code,
  ]);
}

const sesta = (...words: string[]) => [...cli, ...words, "-C", project];

/** A PATH with these programs and no others. */
function pathWith(...programs: string[]): string {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const folders = (process.env["PATH"] ?? "").split(":");
  for (const program of programs) {
    const found = folders.map((path) => join(path, program)).find((path) => existsSync(path));
    if (found !== undefined) symlinkSync(found, join(bin, program));
  }
  return bin;
}

describe("programs", () => {
  test("neither uv nor python3: said, with what to install", () => {
    const PATH = pathWith("sh", "test", "ps");
    refuse(
      sesta("up", "-y"),
      { PATH },
      { code: "PYTHON_MISSING", exit: 1, says: /uv is not installed, and python3.*was not found/ },
    );
  });

  test("doctor finds it too, and says what mends it", () => {
    const [program = "", ...operands] = sesta("doctor");
    const { status, stdout, stderr } = spawnSync(program, operands, {
      env: { ...process.env, PATH: pathWith("sh", "test", "ps"), SESTA_CACHE: join(folder, "cache") },
      encoding: "utf8",
    });
    expect(`${stdout}${stderr}`).toContain("neither uv nor python3 is installed");
    expect(status).toBe(1);
  });
});

describe.skipIf(asUserProblem !== undefined)("permission", () => {
  test("a sesta.yaml that may not be read", () => {
    for (const path of [folder, project]) hand(path);
    hand(join(project, "sesta.yaml"));
    chmodSync(join(project, "sesta.yaml"), 0o000);
    refuse(
      asUser(sesta("status")),
      {},
      { code: "PROJECT_UNREADABLE", exit: 2, says: /you have no permission to read it/ },
    );
  });

  test("a project folder that may not be written", () => {
    hand(folder);
    hand(project);
    chmodSync(project, 0o555);
    refuse(
      asUser(sesta("up", "-y")),
      {},
      { code: "STATE_FOLDER", exit: 1, says: /\.sesta cannot be used: .*permission denied/ },
    );
  });

  test("a state folder that may not be written, and one that is a file", () => {
    hand(folder);
    hand(project);
    const sestaFolder = join(project, ".sesta");
    mkdirSync(sestaFolder, { mode: 0o555 });
    hand(sestaFolder);
    chmodSync(sestaFolder, 0o555);
    refuse(asUser(sesta("up", "-y")), {}, { code: "STATE_FOLDER", exit: 1, says: /permission denied/ });
    rmSync(sestaFolder, { recursive: true });
    writeFileSync(sestaFolder, "");
    refuse(asUser(sesta("status")), {}, { code: "STATE_FOLDER", exit: 1, says: /\.sesta/ });
  });

  test.skipIf(process.getuid?.() !== 0)("a state folder of somebody else", () => {
    hand(folder);
    hand(project);
    mkdirSync(join(project, ".sesta"), { mode: 0o700 });
    refuse(
      asUser(sesta("status")),
      {},
      { code: "STATE_FOLDER", exit: 1, says: /\.sesta.*permission denied/ },
    );
  });
});

test.each([undefined, ""])("HOME %j: nothing is kept in the folder that one happens to be in", (HOME) => {
  const env = { ...process.env, HOME, XDG_CACHE_HOME: undefined, SESTA_CACHE: undefined };
  const [program = "", ...operands] = sesta("status");
  const { status, stderr } = spawnSync(program, operands, { cwd: folder, env, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  expect(readdirSync(folder)).toEqual(["project"]);
});

const mounts = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", tmpdir()]).status === 0;

/** Runs it where `at` is a disk of its own of this size, filled up to the brim but for `freeKb`. */
function onSmallDisk(at: string, size: string, argv: readonly string[]): string[] {
  const script =
    'mkdir -p "$1" && cp -r "$1" "$2" && mount -t tmpfs -o size="$3" tmpfs "$1" && cp -r "$2"/. "$1"; shift 3; cd "$HERE" && exec "$@"';
  return [
    "unshare",
    "-rm",
    "sh",
    "-c",
    script,
    "sh",
    at,
    join(folder, `saved-${Math.random()}`),
    size,
    ...argv,
  ];
}

describe.skipIf(!mounts)("a full disk", () => {
  test.each(["4k", "64k", "1m", "30m"])("F7: the state folder on a disk of %s", (size) => {
    refuse(
      onSmallDisk(join(project, ".sesta"), size, sesta("up", "-y")),
      { HERE: folder },
      { code: "DISK_FULL", exit: 1, says: /free|full/ },
    );
  });

  test.each(["16k", "1m", "30m"])("F7: the whole project on a disk of %s", (size) => {
    refuse(
      onSmallDisk(project, size, sesta("up", "-y")),
      { HERE: folder },
      { code: "DISK_FULL", exit: 1, says: /free|full/ },
    );
  });
});

const canMount = process.getuid?.() === 0 && mounts;

test.skipIf(!canMount)(
  "F7: a disk that fills while it is awake: refused with the reason, nothing ends, all goes on when there is space",
  async () => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=80m", "tmpfs", disk]).status !== 0) return;
    const rig = await createAgentRig(disk);
    try {
      await rig.put("awake");
      await rig.put("asleep");
      await rig.wake("awake");
      const { pid } = await rig.untilState("awake", "awake");
      const agent = await rig.pid();

      spawnSync("sh", ["-c", `head -c 30M /dev/zero >${disk}/half`]);
      await rig.wake("asleep");
      const refused = await rig.untilState("asleep", "failed");
      expect(refused.why).toMatch(/MB are free on the disk of .*; 64 MB are kept free/);
      expect(rig.starts("asleep")).toEqual([]);

      spawnSync("sh", ["-c", `cat /dev/zero >${disk}/rest 2>/dev/null`]);
      await expect(rig.wake("asleep")).rejects.toMatchObject({ code: "DISK_FULL" });
      await expect(rig.sleep("awake")).rejects.toMatchObject({ code: "DISK_FULL" });
      expect(await rig.find("awake")).toMatchObject({ state: "awake", pid });
      expect([lives(pid ?? 0), await rig.pid()]).toEqual([true, agent]);
      process.kill(pid ?? 0, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 2_500)); // it is noticed and cannot be written down

      for (const file of ["half", "rest"]) rmSync(join(disk, file));
      await rig.wake("asleep");
      expect((await rig.untilState("asleep", "awake", "failed")).state).toBe("awake");
      expect((await rig.untilState("awake", "awake")).pid).not.toBeNull();
      await rig.sleep("awake");
      await rig.untilState("awake", "asleep");
      expect(rig.living("awake")).toEqual([]);
      expect(await rig.pid()).toBe(agent);
    } finally {
      await rig.end().catch(() => undefined);
      spawnSync("umount", ["-l", disk]);
    }
  },
  120_000,
);

test.skipIf(!canMount)(
  "F7: a gateway on a full disk goes on answering, and says why nothing wakes",
  async () => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=80m", "tmpfs", disk]).status !== 0) return;
    const stub = await createStubProject(disk);
    try {
      const { pid } = await stub.startGateway();
      spawnSync("sh", ["-c", `cat /dev/zero >${disk}/rest 2>/dev/null`]);
      for (let round = 0; round < 3; round++) {
        const { status, body } = await stub.wakeByAddress("POST");
        expect([status, body]).toEqual([503, expect.stringMatching(/failed to start: .*the disk is full/)]);
      }
      await stub.killAgent(); // the gateway has to bring it back, and cannot write a line about it
      await until(() => stub.agent.findHello(), "the agent does not come back");
      rmSync(join(disk, "rest"));
      expect((await stub.wakeByAddress("POST")).status).toBe(200);
      await stub.untilState("awake");
      const told = () => stub.wakeByAddress().then(({ body }) => body.includes("already running"));
      await until(told, "the gateway does not notice");
      expect((await stub.gateway()).pid).toBe(pid);
    } finally {
      await stub.end().catch(() => undefined);
      spawnSync("umount", ["-l", disk]);
    }
  },
  120_000,
);
