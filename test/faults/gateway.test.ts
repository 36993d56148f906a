// The real gateway under a crowd, and killed in every state: one start, one process, and everybody is answered.
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { killHard, until } from "./support/processes.ts";
import { limitMs, points } from "./support/points.ts";
import {
  createStubProject,
  fetchFrom,
  logIn,
  stubName,
  type Answer,
  type StubProject,
} from "./support/stub-project.ts";

let project: StubProject;
beforeEach(async () => {
  project = await createStubProject();
  await project.startGateway();
});
afterEach(() => project.end());

const crowd = (count: number, method = "GET") =>
  Promise.all(Array.from({ length: count }, () => project.wakeByAddress(method)));
const statuses = (answers: readonly Answer[]) => [...new Set(answers.map(({ status }) => status))];
const navigation = {
  accept: "text/html",
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": "document",
  "sec-fetch-site": "none",
};

async function doorUrl(): Promise<string> {
  return (await project.gateway()).doors[stubName] ?? "";
}

async function openSocket(door: string, cookie: string): Promise<WebSocket> {
  const socket = new WebSocket(`${door.replace("http", "ws")}/channel`, {
    headers: { cookie, origin: door },
  });
  socket.on("error", () => undefined);
  await once(socket, "open");
  return socket;
}

describe("a thousand at once", { timeout: 120_000 }, () => {
  test("L1: one start, and every one is answered", async () => {
    await project.tell("delay", "500");
    const answers = await crowd(1_000);
    expect(statuses(answers)).toEqual([200]);
    expect(
      answers.every(({ body }) => /^\{"message": "[^"]+ (?:will start in|already running at) /.test(body)),
    ).toBe(true);
    await project.untilState("awake");
    expect(statuses(await crowd(1_000))).toEqual([200]);
    expect([(await project.starts()).length, project.living().length]).toEqual([1, 1]);
  });

  test("L1: also when the gateway and the agent are killed while it boots: the same process is adopted", async () => {
    await project.tell("delay", "1500");
    const first = crowd(1_000).catch(() => []);
    const { pid } = await until(async () => {
      const report = await project.find();
      return report.pid === null ? undefined : report;
    }, "nothing was started");
    await project.killGateway();
    await project.startGateway();
    await first;
    expect(statuses(await crowd(500))).toEqual([200]);
    const agent = await project.killAgent();
    expect(statuses(await crowd(500))).toEqual([200]);
    expect(await project.untilState("awake", "failed")).toMatchObject({ state: "awake", pid });
    expect((await project.agent.call("hello", {})).pid).not.toBe(agent);
    expect([(await project.starts()).length, project.living()]).toEqual([1, [pid]]);
  });

  test("F15: when the start fails there is one failure, and reloading tells it; asking on purpose tries again", async () => {
    await project.tell("behaviour", "crash");
    expect(statuses(await crowd(1_000))).toEqual([200]);
    await project.untilState("failed");
    const told = await until(async () => {
      const answer = await project.wakeByAddress();
      return answer.status === 503 ? answer : undefined;
    }, "the failure is not told");
    expect(told.body).toContain("failed to start: The stub ended while it started (3 tries)");
    expect(statuses(await crowd(1_000))).toEqual([503]);
    const door = await doorUrl();
    const cookie = await logIn(door, project.password());
    const page = await fetchFrom(`${door}/lab`, { headers: { ...navigation, cookie } });
    expect([page.status, page.body.includes("the last words of a crash")]).toEqual([503, true]);
    expect(await project.starts()).toHaveLength(3);

    await project.killGateway();
    await project.startGateway();
    expect(statuses(await crowd(20))).toEqual([503]);
    expect(await project.starts()).toHaveLength(3);

    expect(statuses(await crowd(1_000, "POST"))).toEqual([200]);
    await project.untilState("failed");
    expect(await project.starts()).toHaveLength(6);
  });
});

describe("the gateway killed", () => {
  test("F1: idle: the same addresses answer again, and nothing has started", async () => {
    const before = await project.gateway();
    await project.killGateway();
    const after = await project.startGateway();
    expect({ ...after, pid: 0 }).toEqual({ ...before, pid: 0 });
    expect(after.pid).not.toBe(before.pid);
    expect(await project.starts()).toEqual([]);
  });

  test("F1: while it carries a WebSocket: the process lives on, and the client comes back with the cookie it has", async () => {
    await project.wakeByAddress();
    const { pid } = await project.untilState("awake");
    const door = await doorUrl();
    const cookie = await logIn(door, project.password());
    const socket = await until(() => openSocket(door, cookie), "no WebSocket");
    const closed = once(socket, "close");
    await project.killGateway();
    await closed;
    await project.startGateway();
    (await openSocket(door, cookie)).terminate();
    const page = await fetchFrom(`${door}/page`, { headers: { cookie } });
    expect([page.status, page.body]).toEqual([200, `process ${pid}`]);
    expect(project.living()).toEqual([pid]);
  });

  test(
    "F1: at any step of a wake, and at any step of a sleep",
    { timeout: limitMs(5, 100, 15_000) },
    async () => {
      await project.tell("stop-delay", "200");
      await project.tell("delay", "200");
      for (const point of points(5, 100)) {
        const asked = project.wakeByAddress().catch(() => undefined);
        await delay(point * 5);
        await project.killGateway();
        await asked;
        await project.startGateway();
        await project.wakeByAddress();
        const { pid } = await project.untilState("awake", "failed");
        expect([point, project.living()]).toEqual([point, [pid]]);

        await project.agent.call("sleep", { name: stubName, why: "A test.", by: "owner" });
        await delay(point * 5);
        await project.killGateway();
        await project.startGateway();
        await project.untilState("asleep");
        expect([point, project.living()]).toEqual([point, []]);
      }
    },
  );
});

describe("the agent killed under a gateway", () => {
  test("F2: it is brought back and adopts; the process, its page and its open WebSocket go on", async () => {
    await project.wakeByAddress();
    const { pid } = await project.untilState("awake");
    const door = await doorUrl();
    const cookie = await logIn(door, project.password());
    const socket = await until(() => openSocket(door, cookie), "no WebSocket");
    for (let round = 0; round < 3; round++) {
      const agent = await project.killAgent();
      expect((await fetchFrom(`${door}/page`, { headers: { cookie } })).body).toBe(`process ${pid}`);
      const back = await until(() => project.agent.findHello(), "the agent does not come back");
      expect(back.pid).not.toBe(agent);
      expect(await project.find()).toMatchObject({ state: "awake", pid });
    }
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.terminate();
    expect(await project.starts()).toHaveLength(1);
  });

  test("F2: together with the process: it is started again, and the page comes back", async () => {
    await project.wakeByAddress();
    const { pid } = await project.untilState("awake");
    await project.killAgent();
    await killHard(pid ?? 0);
    const again = await until(async () => {
      const report = await project.find().catch(() => undefined);
      return report?.state === "awake" && report.pid !== pid ? report : undefined;
    }, "it is not started again");
    expect(project.living()).toEqual([again.pid]);
  });
});

describe("a changed password", () => {
  test("T17: its file changed: sessions and open WebSockets end, the old one is wrong, the new one right", async () => {
    await project.wakeByAddress();
    await project.untilState("awake");
    const door = await doorUrl();
    const old = { password: project.password(), cookie: await logIn(door, project.password()) };
    const socket = await until(() => openSocket(door, old.cookie), "no WebSocket");
    const closed = once(socket, "close");
    await project.changePassword("another password altogether");
    await closed;
    expect((await fetchFrom(`${door}/page`, { headers: { cookie: old.cookie } })).status).toBe(401);
    await expect(logIn(door, old.password)).rejects.toThrow("403");
    const cookie = await logIn(door, project.password());
    expect((await fetchFrom(`${door}/page`, { headers: { cookie } })).status).toBe(200);
  });

  test("T17: its file changed while no gateway ran: the old one is wrong all the same", async () => {
    const old = project.password();
    await project.killGateway();
    await project.changePassword("changed in the dark");
    await project.startGateway();
    const door = await doorUrl();
    await until(
      () => logIn(door, project.password()).catch(() => undefined),
      "the new password is not taken over",
    );
    await expect(logIn(door, old)).rejects.toThrow("403");
  });
});
