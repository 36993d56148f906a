// Services through the real command line, with real processes: releases that replace each other while requests come.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { killHard, lives, until } from "./faults/support/processes.ts";
import { listWorkingIn } from "./support/job-project.ts";
import { startServiceLoad } from "./support/service-load.ts";
import { createServiceProject, untilOther, type ServiceProject } from "./support/service-project.ts";

const connections = 32;
let project: ServiceProject;
let pids: (number | null)[] = [];

beforeAll(async () => {
  project = await createServiceProject("replicas: 2\nretry: all");
  project.ship("one");
  project.write(".gitignore", "ignored.txt\n");
  project.write("ignored.txt", "stays here");
  project.write("data.txt", "of one");
  git("init", "-q");
  git("add", ".");
  git("commit", "-qm", "one");
  await project.must(["up", "-y"]);
}, 60_000);
afterAll(() => project.end(), 60_000);

function git(...argv: string[]): string {
  return execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...argv], {
    cwd: project.folder,
    encoding: "utf8",
  }).trim();
}

/** What came of requests meanwhile; the load is on before `change` begins and after it ends. */
async function underLoad(change: () => Promise<unknown>) {
  const load = startServiceLoad(project.port, connections);
  try {
    await until(() => load.outcomes.length > connections, "no request is answered");
    await change();
    const so = load.outcomes.length;
    await until(() => load.outcomes.length > so + connections, "no request is answered any more");
  } finally {
    await load.stop();
  }
  const methods = (method: string) => load.outcomes.filter((one) => one.method === method);
  return {
    failed: load.outcomes.filter(({ ok }) => !ok).map(({ method, path }) => `${method} ${path}`),
    gets: methods("GET").length,
    posts: methods("POST").length,
  };
}

describe("releases", () => {
  test("up starts the replicas and answers on its port", async () => {
    expect(await project.who()).toMatchObject({ version: "one" });
    const { state, release, replicas, url } = await project.workload("iris");
    expect({ state, release, url }).toEqual({
      state: "awake",
      release: 1,
      url: `http://127.0.0.1:${project.port}`,
    });
    expect(replicas?.map(({ slot, state: its }) => [slot, its])).toEqual([
      [1, "up"],
      [2, "up"],
    ]);
    pids = replicas?.map(({ pid }) => pid) ?? [];
    expect(new Set(pids).size).toBe(2);
  });

  test("the same files change nothing; --again makes another release of them", async () => {
    const same = await project.deploy();
    expect([same.code, same.stdout]).toEqual([0, expect.stringContaining("Release 1 is this already")]);
    expect(await project.replicas()).toHaveLength(2);
    const again = JSON.parse((await project.deploy("--again", "--json")).stdout) as { release: unknown };
    expect(again).toMatchObject({ release: { number: 2, state: "live" }, unchanged: false });
    for (const pid of pids) await until(() => !lives(pid ?? 0), "an old replica lives on");
  });

  test("L3: a deploy under load of 32 connections: no request fails", { timeout: 60_000 }, async () => {
    project.ship("two");
    project.write("data.txt", "of two");
    const { failed, gets, posts } = await underLoad(() => project.must(["deploy", "iris", "-y"]));
    expect(failed).toEqual([]);
    expect([gets > 50, posts > 20]).toEqual([true, true]);
    expect(await project.who()).toMatchObject({ version: "two" });
    const [newest, before] = await project.releases();
    expect([newest?.state, before?.state, before?.why]).toEqual([
      "live",
      "replaced",
      "Release 3 replaced it.",
    ]);
  });

  test("L3: a rollback under load: no request fails, and nothing is built", { timeout: 60_000 }, async () => {
    const { failed, posts } = await underLoad(() => project.must(["rollback", "iris", "-y"]));
    expect(failed).toEqual([]);
    expect(posts).toBeGreaterThan(20);
    expect(await project.who()).toMatchObject({ version: "one" });
    expect((await project.ask("/file/data.txt")).body).toBe("of one");
  });

  test("L3: kill -9 of a replica under load: no request fails; it is started again from its release's own files", async () => {
    project.write("data.txt", "of nobody");
    project.ship("never deployed");
    const [first] = await project.replicas();
    const pid = first?.pid ?? 0;
    const { failed } = await underLoad(async () => {
      await killHard(pid);
      await project.until("iris", ({ replicas }) =>
        (replicas ?? []).every((one) => one.state === "up" && one.pid !== pid),
      );
    });
    expect(failed).toEqual([]);
    const after = (await project.replicas()).find(({ slot }) => slot === first?.slot);
    expect(after).toMatchObject({ release: 2, restarts: 1 });
    for (const _ of [1, 2, 3, 4]) expect(await project.who()).toMatchObject({ version: "one" });
    for (const _ of [1, 2]) expect((await project.ask("/file/data.txt")).body).toBe("of one");
    const { stdout } = await project.must(["history", "iris"]);
    expect(stdout).toContain(`Replica ${first?.slot} of release 2 ended: it ended by itself`);
  });

  test("what .gitignore names is in no release", async () => {
    expect((await project.ask("/file/ignored.txt")).body).toBe("none");
    expect((await project.ask("/file/.gitignore")).body).toContain("ignored.txt");
  });

  test("rollback to a number; to one that never was, nothing happens", async () => {
    const wrong = await project.sesta(["rollback", "iris", "77", "-y"]);
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining("iris has no release 77 to go back to"),
    ]);
    expect(wrong.stderr).toContain("3");
    expect((await project.sesta(["rollback", "iris", "two", "-y"])).code).toBe(2);
    await project.must(["rollback", "iris", "3", "-y"]);
    expect(await project.who()).toMatchObject({ version: "two" });
  });

  test(
    "five that were live can be gone back to; older ones are gone with their files",
    { timeout: 60_000 },
    async () => {
      for (const version of ["four", "five", "six", "seven"]) {
        project.ship(version);
        await project.must(["deploy", "iris", "-y"]);
      }
      const kept = (await project.releases()).map(({ number, state }) => [number, state]);
      expect(kept).toEqual([
        [7, "live"],
        [6, "replaced"],
        [5, "replaced"],
        [4, "replaced"],
        [3, "replaced"],
        [2, "replaced"],
      ]);
      const agent = (...parts: string[]) => project.path(".sesta", "agent", ...parts);
      expect(readdirSync(agent("services", "iris")).toSorted()).toEqual(["2", "3", "4", "5", "6", "7"]);
      expect(readdirSync(agent("logs")).filter((file) => file.startsWith("iris.1."))).toEqual([]);
      expect((await project.sesta(["rollback", "iris", "1", "-y"])).code).toBe(2);
    },
  );

  test("F20: two deploys at once: one wins, the other exits 75 and names it", async () => {
    project.ship("eight", "slow");
    const first = project.begin(["deploy", "iris", "-y"]);
    await until(async () => (await project.releases())[0]?.state === "starting", "no release begins");
    const second = await project.deploy("--again");
    expect([second.code, second.stderr]).toEqual([75, expect.stringMatching(/`sesta deploy` \(process \d+/)]);
    expect((await first.ended).code).toBe(0);
    expect(await project.who()).toMatchObject({ version: "eight" });
  });

  test("logs -f goes on through a restart and a deploy, and names the replica of each line", async () => {
    const following = project.begin(["logs", "iris", "-f"]);
    const untilLine = (line: RegExp) =>
      until(
        () => line.test(following.stdout()),
        () => following.stdout(),
      );
    await untilLine(/^8\.1 \| version eight begins/m);
    const [first] = await project.replicas();
    await killHard(first?.pid ?? 0);
    await until(
      () => (following.stdout().match(/^8\.\d \| version eight begins/gm) ?? []).length > 2,
      "no restart",
    );
    project.ship("of the log");
    await project.must(["deploy", "iris", "-y"]);
    await untilLine(/^9\.2 \| version of the log begins/m);
    following.kill("SIGINT");
    expect((await following.ended).code).toBe(130);
  });

  test("the commit of a release stands in its list, with a mark where the files differ from it", async () => {
    git("commit", "-qam", "two");
    await project.must(["deploy", "iris", "-y", "--again"]);
    const [newest] = await project.releases();
    expect(newest).toMatchObject({ commit: git("rev-parse", "HEAD"), dirty: false });
    project.ship("nine");
    await project.must(["deploy", "iris", "-y"]);
    expect((await project.must(["releases", "iris"])).stdout).toContain(
      `${git("rev-parse", "HEAD").slice(0, 8)}+`,
    );
  });

  test("a rollback while its replicas end their last requests takes them back", async () => {
    project.ship("nine");
    await project.must(["deploy", "iris", "-y"]);
    const before = (await project.replicas()).map(({ pid }) => pid);
    const slow = project.ask("/slow/4");
    const metrics = async () => (await project.ask("/metrics")).body;
    await until(async () => /requests_in_flight\S* 1$/m.test(await metrics()), "nothing is in flight");
    project.ship("ten");
    await project.must(["deploy", "iris", "-y"]);
    expect(await project.who()).toMatchObject({ version: "ten" });
    await project.must(["rollback", "iris", "-y"]);
    expect((await project.replicas()).map(({ pid }) => pid)).toEqual(before);
    expect(await project.who()).toMatchObject({ version: "nine" });
    expect(JSON.parse((await slow).body)).toMatchObject({ version: "nine" });
    await delay(200); // the end of its last request ends nothing
    expect((await project.replicas()).every(({ pid }) => lives(pid ?? 0))).toBe(true);
    expect(await project.who()).toMatchObject({ version: "nine" });
  });

  test("down under load ends all of it, with a receipt", { timeout: 60_000 }, async () => {
    const before = (await project.replicas()).map(({ pid }) => pid ?? 0);
    const load = startServiceLoad(project.port, 8);
    await until(() => load.outcomes.length > 8, "no request is answered");
    const { stdout } = await project.must(["down", "-y"]);
    await load.stop();
    expect(stdout).toMatch(/gone +iris on this machine/);
    expect(before.filter(lives)).toEqual([]);
    expect(listWorkingIn(project.folder)).toEqual([]);
    expect(existsSync(project.path(".sesta/agent/services/iris"))).toBe(false);
    await expect(project.ask()).rejects.toThrow();
    await project.must(["up", "-y"]);
    const who = await project.who();
    expect(await untilOther(project, 0)).toMatchObject({ version: who.version });
    expect((await project.releases()).map(({ number }) => number)).toEqual([1]);
  });
});
