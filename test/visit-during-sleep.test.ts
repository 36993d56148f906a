// Somebody opens the page while the workload goes to sleep, at any moment of it: it is awake in the end. Real gateway and agent.
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "./faults/support/processes.ts";
import {
  createStubProject,
  fetchFrom,
  logIn,
  stubName,
  type StubProject,
} from "./faults/support/stub-project.ts";

let project: StubProject;
beforeEach(async () => {
  project = await createStubProject();
  await project.startGateway();
});
afterEach(() => project.end());

const navigation = {
  accept: "text/html",
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": "document",
  "sec-fetch-site": "none",
};

test("F22: a visit at any moment of a sleep ends with the workload awake and its page there", async () => {
  await project.tell("stop-delay", "600");
  const door = (await project.gateway()).doors[stubName] ?? "";
  const cookie = await logIn(door, project.password());
  const seen = new Set<string>();
  for (const pauseMs of [0, 50, 200, 400, 800]) {
    await project.wakeByAddress();
    await project.untilState("awake");
    await project.agent.call("sleep", { name: stubName, why: "A test.", by: "owner" });
    await delay(pauseMs);
    const { status, body } = await fetchFrom(`${door}/lab`, { headers: { ...navigation, cookie } });
    seen.add(
      body.startsWith("process ") ? "its own page" : body.includes("data-follows") ? "waiting page" : body,
    );
    expect([200, 503]).toContain(status);
    const page = await until(async () => {
      const answer = await fetchFrom(`${door}/page`, { headers: { cookie } });
      const { state, pid } = await project.find();
      return state === "awake" && answer.body === `process ${pid}` ? answer : undefined;
    }, `${pauseMs} ms into its sleep nobody woke it`);
    expect(page.status).toBe(200);
  }
  expect([...seen].filter((page) => page !== "its own page" && page !== "waiting page")).toEqual([]);
});

test("F22: a visit that its door let through before it had heard of the sleep counts too", async () => {
  await project.tell("stop-delay", "600");
  await project.wakeByAddress();
  await project.untilState("awake");
  await project.agent.call("sleep", { name: stubName, why: "A test.", by: "owner" });
  await project.agent.call("use", { name: stubName, source: "somebody opened its page", kind: "visit" });
  await delay(1_500);
  await project.untilState("awake");
  await project.agent.call("sleep", { name: stubName, why: "A test.", by: "owner" });
  await project.untilState("asleep");
  await project.agent.call("use", { name: stubName, source: "a script wrote", kind: "change" });
  await project.agent.call("use", { name: stubName, source: "somebody typed", kind: "frame" });
  expect((await project.find()).state).toBe("asleep");
  await project.agent.call("use", { name: stubName, source: "somebody opened its page", kind: "visit" });
  await project.untilState("awake");
});

test("F22: what a script or a tab asks at that moment changes nothing: it falls asleep", async () => {
  await project.tell("stop-delay", "600");
  const door = (await project.gateway()).doors[stubName] ?? "";
  const cookie = await logIn(door, project.password());
  await project.wakeByAddress();
  await project.untilState("awake");
  await project.agent.call("sleep", { name: stubName, why: "A test.", by: "owner" });
  for (let index = 0; index < 20; index++) {
    await fetchFrom(`${door}/page`, { headers: { cookie } }).catch(() => undefined);
    await fetchFrom(`${door}/lab`, { method: "HEAD", headers: { ...navigation, cookie } }).catch(
      () => undefined,
    );
    await delay(20);
  }
  await project.untilState("asleep");
});
