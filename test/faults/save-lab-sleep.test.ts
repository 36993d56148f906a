// A real lab that sleeps by itself: what keeps it awake, who comes at each step of its sleep, and clocks that jump.
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findMissingLab } from "../support/example-project.ts";
import type { Report } from "../../src/model/status.ts";
import { findFakeTime } from "./support/fake-time.ts";
import { lives, until } from "./support/processes.ts";
import { createSaveLab, type SaveLab } from "./support/save-lab.ts";

const missing = findMissingLab();
if (missing !== "") process.stderr.write(`save-lab-sleep.test.ts is skipped: ${missing}\n`);
const found = missing === "" ? findFakeTime() : "there is no lab";
const fakeTime = typeof found === "string" ? undefined : found;
if (typeof found === "string") process.stderr.write(`F13 is skipped: ${found}\n`);

/** Of the project file; it takes many looks to sleep after it. */
const idle = { text: "2s", ms: 2_000 };
const dayMs = 86_400_000;

describe.skipIf(missing !== "")("a lab that is saved and sleeps", { timeout: 120_000 }, () => {
  let lab: SaveLab;
  const inProject = (name: string) => join(lab.project.folder, name);
  const isState =
    (...states: Report["state"][]) =>
    ({ state }: Report) =>
      states.includes(state);
  const hold = () => lab.succeed("awake", lab.name, "--for", "1h", "--reason", "a test");
  const letGo = () => lab.succeed("awake", lab.name, "--until-idle");

  beforeAll(async () => {
    lab = await createSaveLab({ kind: "path" });
    await hold();
    await lab.setIdle(idle.text);
  });
  afterAll(() => lab?.end());

  /** A cell that computes in silence until it is told to end. */
  async function compute(name: string) {
    const kernel = await lab.startKernel();
    const end = inProject(name);
    const ran = kernel.run(`import os\nwhile not os.path.exists(${JSON.stringify(end)}): pass`);
    kernel.drop(); // no tab is open
    void ran;
    await lab.untilReport(({ lastUse }) => /kernel is busy/.test(lastUse?.source ?? ""), "it is not seen");
    return { ...kernel, end: () => writeFileSync(end, "") };
  }

  test("a silent cell keeps it awake however long it takes; when it ends, the lab sleeps with everything saved", async () => {
    const kernel = await compute("cell-ends");
    await letGo();
    await lab.save("long.ipynb");
    await delay(3 * idle.ms);
    expect(await lab.report()).toMatchObject({ state: "awake", hold: null });
    expect(lives(kernel.pid)).toBe(true);
    kernel.end();
    const { why } = await lab.untilReport(isState("asleep"), "it does not sleep");
    expect(why).toContain("a kernel");
    await lab.untilThere("long.ipynb");
  });

  test("`sesta awake` wakes it and holds it; let go, it sleeps", async () => {
    await hold();
    await delay(2 * idle.ms);
    expect((await lab.report()).state).toBe("awake");
    expect(await lab.succeed("why", lab.name)).toMatch(/held awake until .*: a test/);
    await letGo();
    await lab.untilReport(isState("asleep"), "it does not sleep");
    await hold();
    await lab.untilReport(isState("awake"), "it does not wake");
  });

  describe("F22: asked for while it goes to sleep", () => {
    const gate = () => join(lab.remote.folder, "hold");
    const passGate = () => rmSync(gate(), { force: true });
    const asked = () => lab.agent.call("sleep", { name: lab.name, why: "A test.", by: "owner" });
    const wake = () => lab.agent.call("wake", { name: lab.name, why: "A test.", by: "owner" });
    const begins: Record<string, () => Promise<unknown>> = { asked, "by itself": letGo };
    const comes: Record<string, () => Promise<unknown>> = {
      wake,
      visit: async () => (await lab.visitor()).open(),
      "saved notebook": async () => (await lab.visitor()).put("coming.ipynb", "while it goes to sleep"),
    };

    test.each([
      ["saving the files", "asked", "wake"],
      ["saving the files", "by itself", "visit"],
      ["waiting for the repository to confirm", "asked", "visit"],
      ["waiting for the repository to confirm", "by itself", "wake"],
      ["waiting for the repository to confirm", "by itself", "saved notebook"],
    ])("%s, %s: a %s finds the kernel of before, and everything is saved", async (phase, begin, who) => {
      const { pid } = await lab.untilReport(isState("awake"), "it is not awake");
      const kernel = await lab.startKernel();
      kernel.drop();
      writeFileSync(gate(), "");
      lab.remote.hook("pre-receive", `while [ -e '${gate()}' ]; do sleep 0.02; done`);
      const seen = lab.untilTold(({ state, phase: now }) => state === "sleeping" && now === phase);
      await lab.save("owed.ipynb");
      await begins[begin]?.();
      await seen;
      const back = lab.untilTold(isState("awake"));
      await comes[who]?.();
      expect((await back).pid).toBe(pid);
      await hold();
      passGate();
      await lab.untilThere("owed.ipynb", ...(who === "saved notebook" ? ["coming.ipynb"] : []));
      expect(lives(kernel.pid)).toBe(true);
      expect((await lab.ask(`/api/kernels/${kernel.id}`, "DELETE")).status).toBe(204);
    });

    test.each(["asked", "by itself"])(
      "its kernels end, %s: it comes back with what was saved",
      async (begin) => {
        const { pid } = await lab.untilReport(isState("awake"), "it is not awake");
        const door = await lab.visitor();
        const seen = lab.untilTold(({ phase }) => /ends its kernels/.test(phase ?? ""));
        await lab.save("last.ipynb");
        await begins[begin]?.();
        await seen;
        const [answer] = await Promise.all([
          door.put("refused.ipynb", "too late").catch(() => ({ status: 0 })),
          door.open().catch(() => undefined),
        ]);
        await lab.untilReport((now) => now.state === "awake" && now.pid !== pid, "it does not come back");
        await hold();
        await lab.untilThere(
          "last.ipynb",
          ...(answer.status < 300 && answer.status > 0 ? ["refused.ipynb"] : []),
        );
      },
    );
  });

  test("its workspace is empty: it has its files again before Jupyter starts", async () => {
    await lab.succeed("sleep", lab.name);
    const saved = lab.onDisk("long.ipynb");
    for (const name of readdirSync(lab.workspace)) rmSync(join(lab.workspace, name), { recursive: true });
    await lab.untilSave(({ held }) => held !== null, "empty is taken for meant");
    await hold();
    await lab.untilReport(isState("awake"), "it does not wake");
    expect(lab.onDisk("long.ipynb")).toBe(saved);
    const [start = ""] = readdirSync(join(lab.home, "run"));
    const token = statSync(join(lab.home, "run", start, "token"));
    expect(statSync(join(lab.workspace, "long.ipynb")).ctimeMs).toBeLessThanOrEqual(token.ctimeMs);
    await lab.untilSave(({ held }) => held === null, "what is back is still held");
    await lab.untilThere("long.ipynb", "owed.ipynb", "last.ipynb");
  });

  describe.skipIf(fakeTime === undefined)("F13: the clock jumps by a day", () => {
    const setClock = (days: number) =>
      writeFileSync(inProject("clock"), `${days < 0 ? "-" : "+"}${Math.abs(days)}d\n`);
    const nowAt = (days: number) => Date.now() + days * dayMs;
    /** The agent lives on that day and means to sleep within its idle time of then. */
    const untilClock = (days: number) =>
      lab.untilReport(
        ({ sleepsAt }) => sleepsAt !== null && Math.abs(sleepsAt - nowAt(days)) < dayMs / 12,
        `it does not live ${days} days from now`,
      );

    beforeAll(async () => {
      setClock(0);
      await lab.replaceAgent({ ...fakeTime, FAKETIME_TIMESTAMP_FILE: inProject("clock") });
      await lab.untilReport(isState("awake"), "it is not adopted");
    });

    test("while a cell runs: it does not sleep, saves carry the time of their day, and it sleeps afterwards", async () => {
      const kernel = await compute("jump-ends");
      await letGo();
      for (const days of [1, -1]) {
        setClock(days);
        await untilClock(days);
        await delay(2 * idle.ms);
        expect((await lab.report()).state).toBe("awake");
        await lab.save("jump.ipynb");
        await lab.untilThere("jump.ipynb");
        const { save } = await lab.report();
        expect(Math.abs((save?.savedAt ?? 0) - nowAt(days))).toBeLessThan(dayMs / 12);
      }
      expect(lives(kernel.pid)).toBe(true);
      kernel.end();
      await lab.untilReport(isState("asleep"), "it does not sleep");
    });

    test("while nobody uses it: the time left goes on as if nothing had been", async () => {
      setClock(0);
      await lab.setIdle("10m");
      await lab.succeed("wake", lab.name);
      await lab.untilReport(isState("awake"), "it does not wake");
      for (const days of [1, -1]) {
        setClock(days);
        const { sleepsAt } = await untilClock(days);
        const leftMs = (sleepsAt ?? 0) - nowAt(days);
        expect(leftMs).toBeGreaterThan(60_000);
        expect(leftMs).toBeLessThanOrEqual(600_000);
      }
      await lab.setIdle(idle.text);
      await lab.untilReport(isState("asleep"), "it does not sleep");
      expect(existsSync(join(lab.workspace, "jump.ipynb"))).toBe(true);
      await until(() => lab.there("jump.ipynb") === lab.onDisk("jump.ipynb"), "it is not at the remote");
    });
  });
});
