// A service on a host over SSH, by the command line alone: a real sshd, the agent there, a token, and nobody in between.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { killHard, listLiving, lives, until } from "./faults/support/processes.ts";
import { createJobHosts, type JobHosts } from "./support/job-hosts.ts";
import { createJobProject, listWorkingIn, type JobProject } from "./support/job-project.ts";
import type { Ran } from "./support/scratch-project.ts";
import { createServiceProject, type ServiceProject } from "./support/service-project.ts";
import { findMissingSshd } from "./support/ssh-server.ts";

const missing = findMissingSshd();
if (missing !== undefined) console.log(`skipped: ${missing}`);

const token = "service-token-canary-41c7";
const shown = { authorization: `Bearer ${token}` };
const guarded = 'host: 0.0.0.0\npassword: "${secret.door}"';

describe.skipIf(missing !== undefined)("a service on a host over SSH", { timeout: 60_000 }, () => {
  let hosts: JobHosts;
  let project: ServiceProject;
  let other: JobProject | undefined;
  let home: string;

  const agent = (...parts: string[]) => join(home, ".sesta", "projects", "svc", "agent", ...parts);
  /** Replicas, wherever they run: the machine of the host is this one. */
  const running = () => listWorkingIn(agent("services")).map(({ pid }) => pid);
  const who = async (path = "/") => {
    const { status, body } = await project.ask(path, shown);
    return status === 200 ? (JSON.parse(body) as { version: string; pid: number }) : { status, body };
  };

  beforeAll(async () => {
    hosts = await createJobHosts(["box"]);
    home = hosts.servers[0]?.home ?? "";
    const top =
      `target: box\ntargets: { box: { type: ssh, hosts: [${hosts.shown.join()}] } }\n` +
      "secrets: { door: { env: DOOR } }";
    project = await createServiceProject(`replicas: 2\n${guarded}`, { DOOR: token }, top);
    project.ship("one");
  }, 60_000);
  afterAll(async () => {
    await project?.end();
    await other?.end();
    await hosts?.end();
  }, 60_000);

  test("up: it answers on its own port of the host, to whoever shows the token", async () => {
    await project.must(["up", "-y"]);
    const { state, target, release, url } = await project.workload("iris");
    expect({ state, target, release, url }).toEqual({
      state: "awake",
      target: "box",
      release: 1,
      url: `http://127.0.0.1:${project.port}`,
    });
    expect(running()).toHaveLength(2);
    expect(await who()).toMatchObject({ version: "one" });
    for (const headers of [{}, { authorization: "Bearer not-it" }, { authorization: `Basic ${token}` }]) {
      const refused = await project.ask("/", headers);
      expect([refused.status, refused.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
    }
    expect((await project.ask(`/?token=${token}&pass=${token}`)).status).toBe(401);
  });

  test("T4: the token is in no file of the host, in no list of processes, and the app never sees it", async () => {
    const { stdout } = spawnSync("grep", ["-rlF", "--", token, home], { encoding: "utf8" });
    expect([stdout, listLiving(token)]).toEqual(["", []]);
    for (const pid of running()) expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toContain(token);
    expect((await project.ask("/env/DOOR", shown)).body).toBe("none");
  });

  test("deploy: the next release takes over there, and the old one ends", async () => {
    const before = running();
    project.ship("two");
    const { stdout } = await project.must(["deploy", "iris", "-y"]);
    expect(stdout).toContain(`http://127.0.0.1:${project.port}`);
    expect(await who()).toMatchObject({ version: "two" });
    await until(() => !before.some(lives), "an old replica lives on");
    expect(running()).toHaveLength(2);
    expect((await project.releases()).map(({ number, state }) => [number, state])).toEqual([
      [2, "live"],
      [1, "replaced"],
    ]);
  });

  test("gateway and connection are gone: it answers as before, since nothing passes through them", async () => {
    const { gateway } = await project.status();
    await killHard(gateway.pid ?? 0);
    await hosts.cut(0);
    for (const _ of [1, 2, 3, 4]) expect(await who()).toMatchObject({ version: "two" });
    await hosts.restore(0);
    await project.must(["up", "-y"]);
    expect(await project.workload("iris")).toMatchObject({ state: "awake", release: 2 });
  });

  test("rollback: without a build, and logs name the release", async () => {
    const { stdout } = await project.must(["rollback", "iris", "-y"]);
    expect(stdout).toContain("1");
    expect(await who()).toMatchObject({ version: "one" });
    expect((await project.must(["logs", "iris"])).stdout).toMatch(/^1\.1 \| version one begins/m);
  });

  /** What came of deploys that ran at once: at least one won, the others were told why, and nothing of them is left. */
  const settle = async (ends: readonly Promise<Ran>[]) => {
    const all = await Promise.all(ends);
    expect(
      all.map(({ code, stderr }) => (code === 0 ? "" : `${code} ${stderr}`)).filter(isNoRefusal),
    ).toEqual([]);
    expect(all.some(({ code }) => code === 0)).toBe(true);
    const releases = await project.releases();
    expect(releases.filter(({ state }) => state === "live").map(({ number }) => number)).toHaveLength(1);
    expect(releases.filter(({ state }) => state === "starting" || state === "failed")).toEqual([]);
    await until(() => running().length === 2, "replicas of others stay");
    const pids = (await project.replicas()).map(({ pid }) => pid);
    expect(running().toSorted()).toEqual(pids.toSorted());
    expect(readdirSync(agent("services", "iris")).filter((name) => !/^\d+$/.test(name))).toEqual([]);
    return all;
  };

  test("F20: deploys at once from one folder: one release is live, and no replica of another stays", async () => {
    project.ship("at once");
    const begin = () => project.begin(["deploy", "iris", "-y", "--again"]).ended;
    const all = await settle([begin(), begin(), begin()]);
    for (const { code, stderr } of all)
      if (code !== 0) expect(stderr).toMatch(/`sesta deploy` \(process \d+/);
    expect(await who()).toMatchObject({ version: "at once" });
  });

  test("F20: deploys at once from two copies of the project, on one agent", async () => {
    other = await createJobProject({
      yaml: await project.read("sesta.yaml"),
      variables: { DOOR: token },
    });
    other.write("app.py", (await project.read("app.py")).replace("at once", "of the other"));
    project.ship("of the one");
    for (const _ of [1, 2, 3]) {
      const begin = (one: JobProject) => one.begin(["deploy", "iris", "-y", "--again"]).ended;
      await settle([begin(project), begin(other)]);
      expect(await who()).toMatchObject({ version: expect.stringMatching(/^of the o/) as string });
    }
    const releases = await project.releases();
    expect(await other.json(["releases", "iris"])).toEqual({ service: "iris", releases });
  });

  test("idle: it sleeps there, only a request with the token wakes it, and that one is answered", async () => {
    project.section(`idle: 1s\n${guarded}`);
    project.ship("three");
    await project.must(["up", "-y"]); // another section: another release, of the files as they are
    const { why } = await project.until("iris", ({ state }) => state === "asleep");
    expect(why).toMatch(/^No use for 1 s/);
    expect(running()).toEqual([]);
    expect((await project.ask()).status).toBe(401);
    expect((await project.ask("/health", shown)).status).toBe(503);
    expect(running()).toEqual([]);
    const woken = (await who("/slow/0.1")) as { version: string; pid: number };
    expect([woken, running()]).toEqual([
      { version: "three", pid: expect.any(Number) as number },
      [woken.pid],
    ]);
  });

  test("down: no process, no port, no release is left on the host, whichever copy asks", async () => {
    const { stdout } = await project.must(["down", "-y"]);
    expect(stdout).toMatch(/gone +iris on box/);
    await other?.must(["down", "-y"]);
    await expect(project.ask()).rejects.toThrow(/ECONNREFUSED/);
    expect([running(), existsSync(agent("services", "iris"))]).toEqual([[], false]);
    await until(() => listLiving(agent()).length === 0, "something runs on");
  });
});

/** Busy, with who or what it is. */
function isNoRefusal(ended: string): boolean {
  return ended !== "" && !ended.startsWith("75 ");
}
