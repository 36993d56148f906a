// What holds for every target: plans read, changes are exactly what was shown, interruptions are found, receipts are true.
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeKey } from "../../src/agent/domain/certificate-file.ts";
import type { CertificateRequest } from "../../src/model/certificate.ts";
import type { Launch } from "../../src/model/launch.ts";
import type { Plan, ProgressEvent } from "../../src/model/plan.ts";
import type { Report } from "../../src/model/status.ts";
import type { State } from "../../src/model/words.ts";
import type { ProjectState } from "../../src/state/project-state.ts";
import type { Target } from "../../src/targets/target.ts";

import { findFreePort } from "../support/running-lab.ts";

export type TargetUnderTest = {
  target: Target;
  /** The project's, which the target works on. */
  state: ProjectState;
  /** The same project in another process's eyes: nothing that the first target holds in memory. */
  reopen(): Target;
  /** All that exists of the project where workloads run, as text; equal when nothing was changed. */
  snapshot(): Promise<string>;
  /** A file in the workspace of this launch, as a person would leave it. */
  writeWorkspace(launch: Launch, file: string, content: string): Promise<void>;
  readWorkspace(launch: Launch, file: string): Promise<string | undefined>;
  /** The text that the workload printed. */
  readLog(name: string): Promise<string>;
  /** Whether something that a receipt says is gone is still there. */
  exists(removed: string): Promise<boolean>;
  /** Ends everything that was started. */
  end(): Promise<void>;
};

export type TargetSuite = {
  create(): Promise<TargetUnderTest>;
  /** As small as the target can run. */
  buildLaunch(name: string, more?: Partial<Launch>): Launch;
  /** All workloads are on one machine, which is there before any of them; true unless said. */
  isOneMachine?: boolean;
  /** Work is cut off at each of its steps too; true unless said. */
  isCut?: boolean;
};

const quiet = () => undefined;

export function testTarget(
  name: string,
  { create, buildLaunch, isOneMachine = true, isCut = true }: TargetSuite,
): void {
  describe(`the target ${name}`, { timeout: 180_000 * (isOneMachine ? 1 : 10) }, () => {
    let under: TargetUnderTest;
    let target: Target;
    const launch = buildLaunch("notebook");
    beforeEach(async () => {
      under = await create();
      target = under.target;
    });
    afterEach(() => under.end());

    const up = async (wanted: Launch = launch, on = target) =>
      on.apply(await on.plan(wanted.name, wanted), quiet);
    const down = async (one: string = launch.name, on = target) =>
      on.apply(await on.plan(one, undefined), quiet);
    const until = (state: State, on = target) => untilState(on, launch.name, state);

    test("nothing is there: absent, an empty list, and nothing to take away", async () => {
      expect(await target.status("unknown")).toMatchObject({ name: "unknown", state: "absent", pid: null });
      expect(await target.list()).toEqual([]);
      expect(await target.plan("unknown", undefined)).toMatchObject({ action: "none", steps: [] });
      expect(await down("unknown")).toEqual({ kind: "receipt", name: "unknown", removed: [], remains: [] });
      await expect(target.wake("unknown", "why", "owner")).rejects.toMatchObject({ code: "NOT_UP" });
      await expect(target.sleep("unknown", "why", "owner")).rejects.toMatchObject({ code: "NOT_UP" });
    });

    test("a plan reads only, says what will be, with its price, and is the same when it is made again", async () => {
      const before = await under.snapshot();
      const plan = await target.plan(launch.name, launch);
      expect(plan).toMatchObject({ name: launch.name, target: name, action: "create", wanted: launch });
      expect(plan.steps.length).toBeGreaterThan(0);
      expect(plan.price).not.toBe("");
      expect(await target.plan(launch.name, launch)).toEqual(plan);
      expect(await under.snapshot()).toBe(before);
      await up();
      const placed = await under.snapshot();
      for (const wanted of [launch, undefined, { ...launch, title: "Other" }])
        await target.plan(launch.name, wanted);
      expect(await under.snapshot()).toBe(placed);
    });

    test.runIf(isOneMachine)("what gets certificates is there, and says why it gets none", async () => {
      const [node, program] = await target.acmeClient(quiet);
      expect(await target.acmeClient(quiet)).toEqual([node, program]);
      const directory = `https://127.0.0.1:${await findFreePort()}/dir`;
      const keys = { accountKey: makeKey(), key: makeKey() };
      const request: CertificateRequest = {
        ...keys,
        directory,
        email: null,
        domain: "a.example.org",
        folder: tmpdir(),
      };
      const ran = spawnSync(node, [program], { input: JSON.stringify(request), encoding: "utf8" });
      const host = new URL(directory).host;
      expect([ran.status, ran.stdout]).toEqual([
        0,
        `${JSON.stringify({ problem: `${host} does not answer (ECONNREFUSED)` })}\n`,
      ]);
    });

    test("applied: asleep, listed, recorded, with a workspace; each step is begun, then done", async () => {
      const events: ProgressEvent[] = [];
      const placed = await target.apply(await target.plan(launch.name, launch), (event) =>
        events.push(event),
      );
      expect(placed).toEqual({ kind: "placed", name: launch.name, unchanged: false });
      expect(await target.status(launch.name)).toMatchObject({ state: "asleep", pid: null });
      expect((await target.list()).filter(({ kind }) => kind === "workload").map((one) => one.name)).toEqual([
        launch.name,
      ]);
      expect(under.state.findWorkload(launch.name)).toMatchObject({
        launch,
        placedAt: expect.any(Number) as number,
        target: name,
      });
      const steps = [...new Set(events.map(({ step }) => step))];
      for (const step of steps) {
        const seen = events.filter((event) => event.step === step).map(({ state }) => state);
        expect([step, seen[0], seen.at(-1), seen.filter((state) => state === "done").length]).toEqual([
          step,
          "running",
          "done",
          1,
        ]);
      }
      expect(await under.readWorkspace(launch, "none")).toBeUndefined();
    });

    test("a second plan without a change is none, and applying it touches nothing that runs", async () => {
      await up();
      await target.wake(launch.name, "why", "owner");
      const { pid } = await until("awake");
      const plan = await target.plan(launch.name, launch);
      expect(plan).toMatchObject({ action: "none", steps: [] });
      expect(await target.apply(plan, quiet)).toMatchObject({ unchanged: true });
      expect(await target.status(launch.name)).toMatchObject({ state: "awake", pid });
    });

    test("a change is a change: shown, taken over, and then none", async () => {
      await up();
      const changed = { ...launch, idle: { ...launch.idle, idleMs: 3_600_000 } };
      const plan = await target.plan(launch.name, changed);
      expect(plan).toMatchObject({
        action: "change",
        steps: expect.arrayContaining([expect.any(String)]) as string[],
      });
      await target.apply(plan, quiet);
      expect(under.state.findWorkload(launch.name)?.launch).toEqual(changed);
      expect((await target.plan(launch.name, changed)).action).toBe("none");
    });

    test("a plan that has become stale is refused, and nothing is done", async () => {
      const first = await target.plan(launch.name, launch);
      await up();
      const destroy = await target.plan(launch.name, undefined);
      await up({ ...launch, title: "Other" });
      const before = await under.snapshot();
      for (const stale of [first, destroy]) {
        await expect(target.apply(stale, quiet)).rejects.toMatchObject({ code: "STALE_PLAN" });
      }
      const forged: Plan = {
        ...(await target.plan(launch.name, launch)),
        wanted: { ...launch, title: "Forged" },
      };
      await expect(target.apply(forged, quiet)).rejects.toMatchObject({ code: "STALE_PLAN" });
      expect(await under.snapshot()).toBe(before);
    });

    test("it wakes once however often it is asked, prints to its log, and sleeps without a trace", async () => {
      await up();
      await Promise.all(Array.from({ length: 10 }, () => target.wake(launch.name, "asked", "owner")));
      const { pid, why } = await until("awake");
      expect([typeof pid, why]).toEqual(["number", expect.stringMatching(/./)]);
      await target.wake(launch.name, "again", "owner");
      expect((await target.status(launch.name)).pid).toBe(pid);
      expect((await under.readLog(launch.name)).trim()).not.toBe("");
      await target.sleep(launch.name, "enough", "owner");
      expect(await until("asleep")).toMatchObject({ pid: null, why: "enough" });
      await target.wake(launch.name, "once more", "owner");
      expect((await until("awake")).pid).not.toBe(pid);
    });

    test("F1: another process sees the same, and goes on with it", async () => {
      await up();
      await target.wake(launch.name, "asked", "owner");
      const { pid } = await until("awake");
      const other = under.reopen();
      expect(await other.status(launch.name)).toMatchObject({ state: "awake", pid });
      expect((await other.plan(launch.name, launch)).action).toBe("none");
      await other.sleep(launch.name, "from elsewhere", "owner");
      expect((await until("asleep")).why).toBe("from elsewhere");
    });

    test.runIf(isCut)(
      "F3: cut off at any step, what was begun is found, and the next up finishes it",
      async () => {
        for (let cut = 0; ; cut++) {
          const wasCut = await cutOff(target, await target.plan(launch.name, launch), cut);
          const other = under.reopen();
          if (!wasCut) break;
          expect([cut, under.state.findWorkload(launch.name)?.placedAt]).toEqual([cut, null]);
          await expect(other.wake(launch.name, "why", "owner")).rejects.toMatchObject({ code: "NOT_UP" });
          expect((await other.plan(launch.name, launch)).action).not.toBe("none");
          await up(launch, other);
          expect((await other.plan(launch.name, launch)).action).toBe("none");
          await down(launch.name, other);
        }
        expect(await target.status(launch.name)).toMatchObject({ state: "asleep" });
      },
    );

    test.runIf(isCut)(
      "F3: cut off at any step, down takes away what was begun; so does a down after a down that was cut off",
      async () => {
        for (let cut = 0; await cutOff(target, await target.plan(launch.name, launch), cut); cut++) {
          expect((await target.plan(launch.name, undefined)).action).toBe("destroy");
          await down(launch.name, under.reopen());
          expect([cut, await target.list(), under.state.listWorkloads()]).toEqual([cut, [], []]);
        }
        for (let cut = 0; await cutOff(target, await target.plan(launch.name, undefined), cut); cut++) {
          expect([cut, under.state.findWorkload(launch.name)?.placedAt ?? null]).toEqual([cut, null]);
          await down(launch.name, under.reopen());
          expect([cut, await target.list(), under.state.listWorkloads()]).toEqual([cut, [], []]);
          await up();
        }
        expect(await target.list()).toEqual([]);
      },
    );

    test("destroyed, awake as it was: the receipt says what is gone and what remains, and both are true", async () => {
      await up();
      await under.writeWorkspace(launch, "work.ipynb", "hours of work");
      await target.wake(launch.name, "asked", "owner");
      await until("awake");
      const plan = await target.plan(launch.name, undefined);
      expect(plan).toMatchObject({
        action: "destroy",
        keeps: expect.arrayContaining([expect.any(String)]) as string[],
      });
      const receipt = await target.apply(plan, quiet);
      if (receipt.kind !== "receipt") throw new Error("no receipt");
      expect([receipt.removed.length > 0, receipt.remains.length > 0]).toEqual([true, true]);
      for (const gone of receipt.removed) expect([gone, await under.exists(gone)]).toEqual([gone, false]);
      for (const kept of receipt.remains) expect(plan.keeps).toContain(kept);
      expect(await under.readWorkspace(launch, "work.ipynb")).toBe("hours of work");
      expect(await target.status(launch.name)).toMatchObject({ state: "absent", pid: null });
      expect([await target.list(), (await target.plan(launch.name, undefined)).action]).toEqual([[], "none"]);
      await up();
      expect(await under.readWorkspace(launch, "work.ipynb")).toBe("hours of work");
    });

    test("workloads leave each other alone", async () => {
      const other = buildLaunch("second");
      await up();
      await up(other);
      await target.wake(launch.name, "asked", "owner");
      const { pid } = await until("awake");
      expect(await target.status("second")).toMatchObject({ state: "asleep" });
      await down("second");
      expect(await target.status(launch.name)).toMatchObject({ state: "awake", pid });
      expect((await target.list()).filter(({ kind }) => kind === "workload").map((one) => one.name)).toEqual([
        launch.name,
      ]);
    });
  });
}

/** The first report of this state. @throws when the workload failed instead */
export async function untilState(target: Target, name: string, state: State): Promise<Report> {
  for (;;) {
    const report = await target.status(name);
    if (report.state === state) return report;
    if (report.state === "failed")
      throw new Error(`${name} failed: ${report.why}\n${report.logTail.join("\n")}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Applies until the progress event of this number, where it breaks; false when there were fewer. */
async function cutOff(target: Target, plan: Plan, at: number): Promise<boolean> {
  let seen = 0;
  const cut = new Error("cut off");
  try {
    await target.apply(plan, () => {
      if (seen++ === at) throw cut;
    });
    return false;
  } catch (error) {
    if (error === cut) return true;
    throw error;
  }
}
