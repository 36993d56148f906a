// Services under faults: agents, gateways and replicas that are killed, hang, lie or leak; no doubles, no lost release.
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listWorkingIn } from "../support/job-project.ts";
import { startServiceLoad } from "../support/service-load.ts";
import { createServiceProject, type ServiceProject } from "../support/service-project.ts";
import { openKilled } from "./support/open-killed.ts";
import { limitMs, points } from "./support/points.ts";
import { killHard, lives, until } from "./support/processes.ts";

const section = "replicas: 2\nretry: all\nstop: 1s\nmemory: 96MB";
let project: ServiceProject;

beforeAll(async () => {
  project = await createServiceProject(section);
  project.ship("one");
  await project.must(["up", "-y"]);
}, 60_000);
afterAll(() => project.end(), 60_000);

const pidsOf = async () => (await project.replicas()).map(({ pid }) => pid ?? 0).toSorted((a, b) => a - b);
/** Processes of the app that live, whoever started them. */
const running = () =>
  listWorkingIn(project.folder)
    .filter(({ command }) => command.endsWith("python3 app.py"))
    .map(({ pid }) => pid)
    .toSorted((a, b) => a - b);
const agentPid = async () => (await project.workload("iris")).agent_pid ?? 0;

/** Both replicas of this release answer, and nothing else of the app runs. */
async function settled(release: number) {
  let seen: unknown;
  await until(
    async () => {
      const { replicas = [], state } = await project.workload("iris");
      seen = { state, replicas, running: running() };
      const up = replicas.filter((one) => one.release === release && one.state === "up");
      const same =
        JSON.stringify(running()) ===
        JSON.stringify(replicas.map(({ pid }) => pid).toSorted((a, b) => (a ?? 0) - (b ?? 0)));
      return state === "awake" && up.length === 2 && replicas.length === 2 && same;
    },
    () => `it does not settle: ${JSON.stringify(seen)}`,
    60_000,
  );
}

describe("the agent killed", () => {
  test("F2: while it is idle: somebody starts it again, and the replicas are the same processes", async () => {
    const before = await pidsOf();
    for (const _ of [1, 2]) {
      await killHard(await agentPid());
      await until(() => project.who().catch(() => undefined), "nobody starts the agent again");
    }
    await settled(1);
    expect(await pidsOf()).toEqual(before);
    expect(await project.who()).toMatchObject({ version: "one" });
  });

  test(
    "F2: in the middle of a deploy: it goes on, or failed cleanly; nothing runs twice",
    { timeout: limitMs(2, 20, 30_000) },
    async () => {
      for (const point of points(2, 20)) {
        project.ship(`killed at ${point}`, "slow");
        const [last] = await project.releases();
        const next = (last?.number ?? 0) + 1;
        const deploying = project.begin(["deploy", "iris", "-y"]);
        await until(async () => (await project.releases())[0]?.number === next, "no release begins");
        const agent = await agentPid();
        await delay(point * 100);
        await killHard(agent);
        const { code, stderr } = await deploying.ended;
        expect([code, stderr]).toEqual([0, expect.stringContaining("It is live.")]);
        await until(async () => (await project.releases())[0]?.state !== "starting", "it starts for ever");
        const all = await project.releases();
        const live = all.filter(({ state }) => state === "live");
        expect(live).toHaveLength(1);
        await settled(live[0]?.number ?? 0);
        expect(live[0]?.number).toBe(next);
      }
    },
  );

  test("F2: while an old release drains: the new one stays, the old one is gone", async () => {
    const slow = project.ask("/slow/20").catch(() => undefined);
    project.ship("four");
    await project.must(["deploy", "iris", "-y"]);
    const [newest] = await project.releases();
    expect(running().length).toBeGreaterThan(2); // an old one has its request still
    await killHard(await agentPid());
    await settled(newest?.number ?? 0);
    await slow;
  });

  test("F2: while it sleeps: it sleeps on, and its next request wakes it", async () => {
    await project.must(["sleep", "iris"]);
    await killHard(await agentPid());
    expect((await project.workload("iris")).state).toBe("asleep");
    expect(running()).toEqual([]);
    const who = await until(() => project.who().catch(() => undefined), "its port is not opened again");
    expect(who.version).toBe("four");
    await settled((await project.releases()).find(({ state }) => state === "live")?.number ?? 0);
  });

  test("F5: and the machine restarted meanwhile: the replicas are started anew, once", async () => {
    const before = await pidsOf();
    const agent = await agentPid();
    await killHard(agent);
    for (const pid of before) await killHard(pid);
    const db = openKilled(project.path(".sesta", "agent", "agent.db"));
    db.exec("UPDATE replicas SET boot_id = 'the boot before'");
    db.close();
    await settled((await project.releases()).find(({ state }) => state === "live")?.number ?? 0);
    expect((await pidsOf()).some((pid) => before.includes(pid))).toBe(false);
  });
});

test("the gateway killed: no request to the service fails", async () => {
  const before = await pidsOf();
  const load = startServiceLoad(project.port, 4);
  await until(() => load.outcomes.length > 20, "no request is answered");
  await killHard((await project.status()).gateway.pid ?? 0);
  const so = load.outcomes.length;
  await until(() => load.outcomes.length > so + 50, "no request is answered any more");
  await load.stop();
  expect(load.outcomes.filter(({ ok }) => !ok)).toEqual([]);
  expect(await pidsOf()).toEqual(before);
});

describe("a replica", () => {
  const restarted = (pid: number) =>
    until(
      async () => {
        const replicas = await project.replicas();
        return replicas.length === 2 && replicas.every((one) => one.state === "up" && one.pid !== pid);
      },
      `process ${pid} is not replaced`,
      60_000,
    );
  const history = async () => (await project.must(["history", "iris"])).stdout;

  test("that hangs is passed over, then started again", async () => {
    const [pid = 0] = await pidsOf();
    process.kill(pid, "SIGSTOP");
    await until(
      async () => (await project.replicas()).some((one) => one.state === "unhealthy" || one.pid !== pid),
      "nobody sees it",
    );
    for (let count = 0; count < 6; count += 1) expect((await project.who()).pid).not.toBe(pid);
    await restarted(pid);
    expect(lives(pid)).toBe(false);
    expect(await history()).toMatch(/ended: \/health failed \d times in a row \(no answer\)/);
  });

  test("that answers garbage is started again", async () => {
    const { pid } = await project.who("/garble");
    await restarted(pid);
    expect(await project.who()).toMatchObject({ version: "four" });
  });

  test("F8: that takes more memory than its limit is ended, and the reason names it", async () => {
    // Where a cgroup holds it, it dies before it answers, and so does the replica that is asked next.
    await project.ask(`/leak/${150_000_000}`);
    const told = /ended: [^\n]*OOM[^\n]*limit (?:is|of) 96MB/;
    await until(async () => told.test(await history()), "no want of memory is told");
    await until(async () => (await project.ask("/health")).status === 200, "it does not come back");
  });

  test("that ignores TERM is made to end after `stop`", async () => {
    project.ship("five", "stubborn");
    await project.must(["deploy", "iris", "-y"]);
    const stubborn = await pidsOf();
    project.ship("six");
    await project.must(["deploy", "iris", "-y"]);
    for (const pid of stubborn) await until(() => !lives(pid), `process ${pid} ignores it for ever`);
    expect(await project.who()).toMatchObject({ version: "six" });
  });
});

test("a command line killed in a deploy: the release goes on, and the next command finds nothing locked", async () => {
  project.ship("seven", "slow");
  const [last] = await project.releases();
  const deploying = project.begin(["deploy", "iris", "-y"]);
  await until(async () => (await project.releases())[0]?.number !== last?.number, "no release begins");
  deploying.kill("SIGKILL");
  await deploying.ended;
  await until(async () => (await project.releases())[0]?.state === "live", "the release does not go on");
  const again = await project.deploy();
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("is this already")]);
  await settled((last?.number ?? 0) + 1);
});

test(
  "F15: a crash loop ends as failed, with the reason and the last lines; a deploy mends it",
  { timeout: 120_000 },
  async () => {
    project.ship("eight");
    await project.must(["deploy", "iris", "-y"]);
    await project.ask("/doom");
    for (const pid of await pidsOf()) await killHard(pid);
    await project.until("iris", ({ state }) => state === "failed");
    const { why, log_tail: tail } = await project.workload("iris");
    expect(why).toMatch(/ended/);
    expect(tail?.join("\n")).toContain("the last words of eight");
    const refused = await project.ask();
    expect(refused).toMatchObject({ status: 503, body: expect.stringContaining('"state":"failed"') });
    project.ship("nine");
    await project.must(["deploy", "iris", "-y"]);
    expect(await project.who()).toMatchObject({ version: "nine" });
    expect((await project.workload("iris")).state).toBe("awake");
  },
);
