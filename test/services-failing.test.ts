// Releases that do not become healthy, ports and tokens that change: what is live stays as it is, and nothing leaks.
import { existsSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { lives, until } from "./faults/support/processes.ts";
import { findInFiles, findInProcesses, listFamily } from "./support/canary.ts";
import { listWorkingIn } from "./support/job-project.ts";
import { freePort } from "./support/scratch-project.ts";
import { createServiceProject, type ServiceProject } from "./support/service-project.ts";

const canary = "c4n4ry-of-the-app-7719";
const token = "t0k3n-of-the-door-4242";
const top = "secrets: { key: { env: APP_KEY }, token: { env: DOOR_TOKEN } }";
const section = "env: { API_KEY: '${secret.key}', PLAIN: as it is }";
let project: ServiceProject;
let live = 0;

beforeAll(async () => {
  project = await createServiceProject(section, { APP_KEY: canary, DOOR_TOKEN: token }, top);
  project.ship("one");
  await project.must(["up", "-y"]);
  live = (await project.who()).pid;
}, 60_000);
afterAll(() => project.end(), 60_000);

async function expectUnharmed() {
  expect(await project.who()).toEqual({ version: "one", pid: live });
  const { release, replicas, state } = await project.workload("iris");
  expect({ release, state, count: replicas?.length }).toEqual({ release: 1, state: "awake", count: 1 });
  await until(
    () => listWorkingIn(project.folder).filter(({ command }) => command.includes("app.py")).length === 1,
    () => JSON.stringify(listWorkingIn(project.folder)),
  );
}

describe("a release that does not become healthy", () => {
  test.each([
    ["exits", "ended while it started", "the last words of bad"],
    ["silent", "listens on no port; it must listen on $PORT", "version bad begins"],
    ["elsewhere", "not on $PORT", "version bad begins"],
    ["unwell", "/health answers 500, not 200", "version bad begins"],
  ])(
    "%s: the old one stays, the code is 1, the reason and the last lines are shown",
    async (mode, why, words) => {
      project.section(section, { start: "2s" });
      project.ship("bad", mode);
      const { code, stderr } = await project.deploy();
      expect([code, stderr]).toEqual([1, expect.stringContaining(why)]);
      expect(stderr).toContain(words);
      expect(stderr).toContain("release 1 stays");
      expect(stderr).toMatch(/^✗ iris: release \d+ /m);
      const [newest] = await project.releases();
      expect(newest).toMatchObject({ state: "failed", why: expect.stringContaining(why) });
      expect(newest?.log_tail.join("\n")).toContain(words);
      await expectUnharmed();
      expect(existsSync(project.path(`.sesta/agent/services/iris/${newest?.number}`))).toBe(false);
      const back = await project.sesta(["rollback", "iris", String(newest?.number), "-y"]);
      expect([back.code, back.stderr]).toEqual([2, expect.stringContaining("to go back to")]);
    },
  );

  test("its logs can be read, those of the live one too", async () => {
    const { stdout } = await project.must(["logs", "iris"]);
    expect(stdout).toMatch(/^5\.1 \| version bad begins/m);
  });

  test("sleep in the middle of a deploy ends it, and the deploy says so", async () => {
    project.ship("bad", "silent");
    project.section(section);
    const deploying = project.begin(["deploy", "iris", "-y"]);
    await until(async () => (await project.releases())[0]?.state === "starting", "no release begins");
    await project.must(["sleep", "iris"]);
    const { code, stderr } = await deploying.ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining("It was put to sleep before it was well")]);
    expect(listWorkingIn(project.folder).filter(({ command }) => command.includes("app.py"))).toEqual([]);
    expect(await project.who()).toMatchObject({ version: "one" });
    live = (await project.who()).pid;
  });
});

describe("another port", () => {
  test("one that is taken: refused, and the old one answers on its own", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    const address = await new Promise<number>((resolve) =>
      other.once("listening", () => {
        const found = other.address();
        resolve(typeof found === "object" && found ? found.port : 0);
      }),
    );
    project.ship("moved");
    project.section(section, { port: address });
    const { code, stderr } = await project.deploy();
    expect([code, stderr]).toEqual([1, expect.stringContaining(`cannot listen on 127.0.0.1:${address}`)]);
    await expectUnharmed();
  });

  test("of a release that fails: the old port stays and the new one is closed", async () => {
    const port = await freePort();
    project.section(section, { port });
    project.ship("bad", "exits");
    expect((await project.deploy()).code).toBe(1);
    await expectUnharmed();
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });
});

describe("secrets", () => {
  test("a token that a failed release brings guards nothing yet; that of a live one does", async () => {
    const guarded = `${section}\npassword: "\${secret.token}"`;
    project.section(guarded);
    project.ship("bad", "exits");
    expect((await project.deploy()).code).toBe(1);
    await expectUnharmed();
    project.ship("guarded");
    await project.must(["deploy", "iris", "-y"]);
    const refused = await project.ask();
    expect([refused.status, refused.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
    expect((await project.ask("/", { authorization: `Bearer ${token}x` })).status).toBe(401);
    expect((await project.ask("/", { authorization: `Bearer ${token}` })).status).toBe(200);
    await project.must(["rollback", "iris", "-y"]);
    expect((await project.ask()).status).toBe(401); // an older release is no way around the token
    expect(await project.ask("/", { authorization: `Bearer ${token}` })).toMatchObject({
      status: 200,
      body: expect.stringContaining('"one"'),
    });
  });

  test("S5: env and secrets reach the app, and stand in no log, state or command line", async () => {
    const bearer = { authorization: `Bearer ${token}` };
    expect((await project.ask("/env/API_KEY", bearer)).body).toBe(canary);
    expect((await project.ask("/env/PLAIN", bearer)).body).toBe("as it is");
    expect((await project.ask("/env/DOOR_TOKEN", bearer)).body).toBe("none");
    const services = project.path(".sesta", "agent", "services");
    const kept = (await findInFiles(project.folder, canary)).filter((path) => !path.startsWith(services));
    expect(kept).toEqual([]);
    expect((await findInFiles(services, canary)).every((path) => path.endsWith("env.json"))).toBe(true);
    for (const number of readdirSync(`${services}/iris`)) {
      const { mode } = statSync(`${services}/iris/${number}/env.json`);
      expect((mode & 0o077).toString(8)).toBe("0");
    }
    expect(await findInFiles(project.folder, token)).toEqual([]);
    const { agent_pid: agent } = await project.workload("iris");
    for (const secret of [canary, token]) {
      expect(
        (await findInProcesses(secret, [])).filter((place) => !place.endsWith(` of ${process.pid}`)),
      ).toEqual([]);
      const inAgent = await findInProcesses(secret, agent === null ? [] : [agent]);
      expect(inAgent).toEqual([]);
    }
    const family = await listFamily((await project.replicas())[0]?.pid ?? 0);
    expect(family.some(lives)).toBe(true);
  });
});
