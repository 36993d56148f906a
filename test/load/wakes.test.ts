// A thousand requests at once to a service that sleeps, again and again: one start each time, and an answer to each.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { killHard, until } from "../faults/support/processes.ts";
import { ask, type Asked } from "../support/ask.ts";
import {
  countFiles,
  createLoadProject,
  readMemory,
  untilClosed,
  type LoadProject,
} from "./support/load-project.ts";
import { isSkipped } from "./support/size.ts";

const requests = 1_000;
const rounds = 30;
const kills = 5;
/** By the first thousand, and by all of them: what is not used any more is collected only when there is much of it. */
const growthLimitMegabytes = { first: 100, all: 160 };
/** So often a wake is tried. */
const tries = 3;

describe.skipIf(isSkipped)("many wakes", { timeout: 900_000 }, () => {
  let project: LoadProject;
  beforeAll(async () => {
    project = await createLoadProject("idle: 15m");
  }, 120_000);
  afterAll(() => project?.end(), 120_000);

  test(`L1: ${requests} requests at once, ${rounds} times: one start each time, all answered`, async () => {
    const agent = await project.agentPid();
    const [filesBefore, memoryBefore] = [countFiles(agent), readMemory(agent)];
    const tookMs: number[] = [];
    const grown: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await sleep();
      const [began, startsBefore] = [performance.now(), countStarts()];
      const answers = await askAll();
      tookMs.push(performance.now() - began);
      expect(answers.filter((one) => typeof one === "string" || one.status !== 200)).toEqual([]);
      expect(listAnswering(answers)).toHaveLength(1);
      await project.settled(1);
      expect(countStarts() - startsBefore).toBe(1);
      grown.push((readMemory(agent) - memoryBefore) / 1e6);
    }
    await untilClosed(agent, filesBefore);
    const [least, most] = [Math.min(...tookMs), Math.max(...tookMs)].map((ms) => (ms / 1000).toFixed(1));
    const memory = grown.map((megabytes) => megabytes.toFixed(0)).join(", ");
    console.log(
      `${rounds} wakes: all ${requests} answered in ${least} to ${most} s; the agent's memory grew by ${memory} MB`,
    );
    expect(grown[0]).toBeLessThan(growthLimitMegabytes.first);
    expect(Math.max(...grown)).toBeLessThan(growthLimitMegabytes.all);
    expect(await project.agentPid()).toBe(agent);
  });

  test(`L1: and the agent killed while it starts, ${kills} times: the start is adopted, there is no second one`, async () => {
    for (let kill = 0; kill < kills; kill += 1) {
      await sleep();
      const startsBefore = countStarts();
      const agent = await project.agentPid();
      const held = askAll();
      const [pid] = await until(() => {
        const pids = project.running();
        return pids.length > 0 ? pids : undefined;
      }, "nothing is started");
      await killHard(agent);
      await held; // cut with the agent that held them
      await until(() => ask(url()).catch(() => undefined), "its port is not opened again");
      const answers = await askAll();
      expect(answers.filter((one) => typeof one === "string" || one.status !== 200)).toEqual([]);
      await project.settled(1);
      expect([project.running(), countStarts() - startsBefore]).toEqual([[pid], 1]);
    }
  });

  test(`L1: ${requests} requests for an app that ends at its start: ${tries} tries, and 503 for each`, async () => {
    expect((await ask(`${url()}doom`, { method: "POST" })).status).toBe(200);
    await sleep();
    const startsBefore = countStarts();
    const answers = await askAll();
    expect(answers.filter((one) => typeof one === "string" || one.status !== 503)).toEqual([]);
    expect(countStarts() - startsBefore).toBe(tries);
    expect(project.running()).toEqual([]);
  });

  const url = () => `http://127.0.0.1:${project.port}/`;

  const askAll = (): Promise<(Asked | string)[]> =>
    Promise.all(Array.from({ length: requests }, () => ask(url()).catch((error: unknown) => String(error))));

  async function sleep(): Promise<void> {
    await project.must(["sleep", "app"]);
    await project.settled(0);
  }

  /** How often the app began; it says so in its log. */
  function countStarts(): number {
    const log = readFileSync(project.path(".sesta", "agent", "logs", "app.1.1.log"), "utf8");
    return log.split("begins\n").length - 1;
  }
});

/** The processes that answered. */
function listAnswering(answers: readonly (Asked | string)[]): unknown[] {
  const pids = answers.flatMap((one) =>
    typeof one === "string" ? [] : [(JSON.parse(one.body) as { pid: number }).pid],
  );
  return [...new Set(pids)];
}
