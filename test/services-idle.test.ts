// Scale to zero: a service sleeps when no request comes, the next one wakes it, and what looks like use is told from use.
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "./faults/support/processes.ts";
import { listWorkingIn } from "./support/job-project.ts";
import { createServiceProject, type ServiceProject } from "./support/service-project.ts";

const section = "idle: 2s\nhold: 20s";
let project: ServiceProject;

beforeAll(async () => {
  project = await createServiceProject(section);
  project.ship("one");
  await project.must(["up", "-y"]);
}, 60_000);
afterAll(() => project.end(), 60_000);

const running = () => listWorkingIn(project.folder).filter(({ command }) => command.includes("app.py"));
const asleep = () => project.until("iris", ({ state }) => state === "asleep", 30_000);
const wakes = async () => {
  const { events } = await project.json<{ events: { to: string; from: string }[] }>(["history", "iris"]);
  return events.filter(({ from, to }) => to === "awake" && from !== "awake").length;
};

test("without requests it goes to sleep, and nothing of it runs; the first request wakes it and is answered", async () => {
  const { why } = await asleep();
  expect(why).toMatch(/^No use for 2 s/);
  expect(running()).toEqual([]);
  expect(await project.who()).toMatchObject({ version: "one" });
  expect(running()).toHaveLength(1);
});

test("many requests at once wake it once, and all are answered", async () => {
  await asleep();
  const before = await wakes();
  const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => project.who(`/${index}`)));
  expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1);
  expect(running()).toHaveLength(1);
  expect(await wakes()).toBe(before + 1);
});

test("health probes neither keep it awake nor wake it", async () => {
  let probes = 0;
  const over = new AbortController();
  const probing = (async () => {
    while (!over.signal.aborted) {
      const { status } = await project.ask("/health");
      if (status !== 200 && status !== 503) throw new Error(String(status));
      probes += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  await asleep();
  const before = probes;
  await until(() => probes > before + 10, "nobody probes");
  expect((await project.workload("iris")).state).toBe("asleep");
  over.abort();
  await probing;
  const probe = await project.ask("/health");
  expect(probe).toMatchObject({ status: 503, body: expect.stringContaining('"state":"asleep"') });
  expect(running()).toEqual([]);
});

test("a request in flight keeps it awake for as long as it takes", async () => {
  const before = await wakes();
  const slow = await project.who("/slow/5");
  expect(slow.version).toBe("one");
  const answeredAt = Date.now();
  await asleep();
  const { events } = await project.json<{ events: { to: string; at: string }[] }>(["history", "iris"]);
  const slept = events.findLast(({ to }) => to === "sleeping");
  expect(Date.parse(slept?.at ?? "")).toBeGreaterThanOrEqual(answeredAt);
  expect(await wakes()).toBe(before + 1);
});

test("`awake --for` holds it, and lets go", async () => {
  await project.must(["awake", "iris", "--for", "1h"]);
  const { stdout } = await project.must(["why", "iris"]);
  expect(stdout).toMatch(/held awake until/);
  expect(stdout).toMatch(/^release: 1$/m);
  expect(stdout).toMatch(/^replica 1\.1: up, process \d+/m);
  await project.must(["awake", "iris", "--until-idle"]);
  await asleep();
});

test("wake, sleep, exec and open know what a service is", async () => {
  expect((await project.must(["wake", "iris"])).stdout).toContain(`http://127.0.0.1:${project.port}`);
  project.ship("in the working tree only");
  const inside = await project.must(["exec", "iris", "--", "sh", "-c", "pwd; grep ^VERSION app.py"]);
  expect(inside.stdout).toMatch(/services\/iris\/1\/tree\nVERSION = "one"/);
  const opened = await project.must(["open", "iris", "--print"]);
  expect([opened.stdout, opened.stderr]).toEqual([`http://127.0.0.1:${project.port}\n`, ""]);
  await project.must(["sleep", "iris"]);
  expect(running()).toEqual([]);
});

test("a start that takes longer than `hold`: 503 with Retry-After and the state", async () => {
  project.section("idle: 3s\nhold: 1s");
  project.ship("late", "slow");
  await project.must(["deploy", "iris", "-y"]);
  await asleep();
  const answer = await project.ask();
  expect(answer).toMatchObject({ status: 503, body: expect.stringContaining('"state":"waking"') });
  expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
  const later = await until(() => project.who().catch(() => undefined), "it does not wake");
  expect(later.version).toBe("late");
});

test("a deploy that takes longer than `idle` is no reason to sleep", async () => {
  project.section("idle: 1s");
  project.ship("patient", "slow");
  await project.must(["deploy", "iris", "-y"]);
  expect(await project.who()).toMatchObject({ version: "patient" });
  expect((await project.releases())[0]).toMatchObject({ state: "live" });
});
