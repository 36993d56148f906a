// Runs in containers, with a real podman: built from the sources once, stopped with all that is in them, their memory told.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { killHard, until } from "./faults/support/processes.ts";
import { findMissingPackage } from "./support/debian-package.ts";
import { createRunHost, type RunHost, type RunProject } from "./support/run-project.ts";
import { findMissingShell } from "./support/run-rig.ts";
import { findMissingSshd } from "./support/ssh-server.ts";

const missing = findMissingSshd() ?? findMissingShell("busybox") ?? findMissingPodman();
if (missing !== undefined) console.log(`skipped: ${missing}`);

/** It is installed where it may be, and must be able to make containers here: nothing but a try tells. */
function findMissingPodman(): string | undefined {
  if (process.getuid?.() !== 0) return "podman is only tested as root";
  const there = () => spawnSync("podman", ["--version"]).status === 0;
  return (
    findMissingPackage("iptables", () => existsSync("/usr/sbin/iptables")) ??
    findMissingPackage("runc", () => spawnSync("runc", ["--version"]).status === 0) ??
    findMissingPackage("catatonit", () => existsSync("/usr/bin/catatonit")) ??
    findMissingPackage("podman", there)
  );
}

/** Storage of the test's own. crun and high limits do not work in every sandbox. */
function configure(folder: string): Record<string, string> {
  const [conf, storage] = [join(folder, "containers.conf"), join(folder, "storage.conf")];
  mkdirSync(join(folder, "storage"));
  writeFileSync(
    conf,
    '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n',
  );
  writeFileSync(
    storage,
    `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/storage/graph"\nrunroot = "${folder}/storage/run"\n`,
  );
  return { CONTAINERS_CONF: conf, CONTAINERS_STORAGE_CONF: storage };
}

describe.skipIf(missing !== undefined)("runs in podman", { timeout: 120_000 }, () => {
  let host: RunHost;
  let env: Record<string, string> = {};
  let cannot = "";
  const podman = (...argv: string[]) =>
    spawnSync("podman", argv, { encoding: "utf8", env: { ...process.env, ...env } });

  beforeAll(async () => {
    host = await createRunHost((folder) => ({ variables: (env = configure(folder)) }));
    const project = create({ run: "true" });
    podman("build", "-q", "-t", "sesta-try", project.folder);
    const tried = podman("run", "--rm", "--init", "sesta-try", "sh", "-c", "true");
    cannot = tried.status === 0 ? "" : `podman cannot make containers here: ${tried.stderr}`;
    if (cannot !== "") console.log(`skipped: ${cannot}`);
  });
  afterAll(async () => {
    podman("rm", "-af");
    podman("rmi", "-af");
    spawnSync("umount", ["-l", join(host.folder, "storage/graph/overlay")]);
    await host?.end();
  });

  const create = (job: object): RunProject => {
    const project = host.createProject({
      train: { container: { build: ".", tag: "sesta-test" }, ...job },
    });
    project.write(
      "Dockerfile",
      "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nENV PATH=/bin\n",
    );
    project.write("busybox", readFileSync("/bin/busybox"));
    chmodSync(join(project.folder, "busybox"), 0o755);
    return project;
  };
  const succeed = async (project: RunProject, ...argv: string[]) => {
    const { code, stdout, stderr } = await project.sesta(...argv);
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    return { stdout: stdout.toString(), stderr };
  };
  const containers = () => podman("ps", "-aq").stdout.trim();
  const idOf = async (project: RunProject) => {
    const { stdout } = await succeed(project, "run", "train", "-d", "-y");
    await project.untilState(stdout.trim(), "running");
    await until(() => podman("ps", "-q").stdout.trim(), "its container does not come up");
    return stdout.trim();
  };

  test("builds once, runs in it, brings its outputs home, and names the image", async ({ skip }) => {
    if (cannot !== "") return skip();
    const project = create({
      run: 'busybox ls / | busybox grep -c usr; echo "$GREETING $1"; busybox mkdir o; echo out >o/f; exit 3',
      env: { GREETING: "hello 'there'" },
      stdout: "log.txt",
      fetch: ["o/", "log.txt"],
    });
    const first = await project.sesta("run", "train", "-y", "--", "a b");
    expect([first.code, first.stdout.toString()]).toEqual([3, "0\nhello 'there' a b\n"]);
    expect(first.stderr).toContain("build the image");
    expect(project.read("results/train/o/f").toString()).toBe("out\n");
    expect(project.read("results/train/log.txt").toString()).toBe("0\nhello 'there' a b\n");
    const second = await project.sesta("run", "train", "-y");
    expect([second.code, second.stderr.includes("build the image")]).toEqual([3, false]);
    project.write("more.txt", "changed");
    const third = await project.sesta("run", "train", "-y");
    expect([third.code, third.stderr.includes("build the image")]).toEqual([3, true]);
    const runs = await project.runs();
    expect(runs.map(({ container }) => container)).toEqual(
      Array.from({ length: 3 }, () => expect.stringMatching(/^(?:sha256:)?[0-9a-f]{64}$/) as string),
    );
    expect(runs[1]?.container).toBe(runs[2]?.container);
    expect(containers()).toBe("");
  });

  test("stop ends the container, with what ignores TERM in it", async ({ skip }) => {
    if (cannot !== "") return skip();
    const project = create({
      run: "trap '' TERM; busybox setsid sh -c \"trap '' TERM; busybox sleep 300\" & busybox sleep 300; busybox sleep 300",
    });
    const id = await idOf(project);
    const { stdout } = await succeed(project, "stop", id);
    expect(stdout).toContain("stopped");
    expect(containers()).toBe("");
  });

  test("F2: its supervisor killed, the container goes on and its exit code is known", async ({ skip }) => {
    if (cannot !== "") return skip();
    const project = create({ run: "x=$(busybox yes | busybox head -c 20000000); busybox sleep 4; exit 6" });
    const id = await idOf(project);
    const folder = join(host.base, "runs", id);
    const [claim = ""] = readFileSync(join(folder, "claim.100001"), "utf8").split(" ");
    await killHard(Number(claim));
    expect(await project.untilState(id, "failed", "lost", "succeeded")).toMatchObject({
      state: "failed",
      exit_code: 6,
    });
    const [run] = await project.runs();
    expect(run?.peak_memory_bytes).toBeGreaterThan(10_000_000);
    expect(containers()).toBe("");
  });

  test("F19: the container's memory runs out: OOM is told, and it is gone", async ({ skip }) => {
    if (cannot !== "") return skip();
    const project = create({
      run: "while [ ! -e go ]; do busybox sleep 0.1; done; x=$(busybox yes | busybox head -c 300000000)",
    });
    const id = await idOf(project);
    await until(() => existsSync(join(host.base, "runs", id, "heartbeat")), "nobody watches it");
    const container = podman("ps", "-q", "--no-trunc").stdout.trim();
    const limit = `/sys/fs/cgroup/memory/libpod_parent/libpod-${container}/memory.limit_in_bytes`;
    if (!existsSync(limit)) return skip();
    writeFileSync(limit, String(64 * 1024 * 1024));
    writeFileSync(join(host.base, "runs", id, "work/go"), "");
    const run = await project.untilState(id, "failed", "lost", "succeeded");
    expect(run).toMatchObject({
      state: "failed",
      exit_code: 137,
      why: expect.stringContaining("OOM") as string,
    });
    expect(containers()).toBe("");
  });
});
