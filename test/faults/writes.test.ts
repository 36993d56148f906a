// Killed at any write: whatever was going on, the next command or agent goes on from there.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { findLab } from "../../src/model/project.ts";
import type { ProjectStatus } from "../../src/model/status.ts";
import type { ProjectPlan } from "../../src/operations/plan.ts";
import { loadProject } from "../../src/project/load.ts";
import { openProjectState } from "../../src/state/project-state.ts";
import { placesOf } from "../../src/targets/agent-host/layout.ts";
import { buildLabLaunch } from "../../src/workloads/lab/build-launch.ts";
import { agentCommand, createAgentRig, type AgentRig } from "./support/agent-rig.ts";
import { sestaProgram } from "../support/published-form.ts";
import { quiet, run, sesta } from "./support/command-line.ts";
import { lives, until } from "./support/processes.ts";
import { limitMs, points } from "./support/points.ts";
import { stubName } from "./support/stub-project.ts";

const straceProblem =
  spawnSync("strace", ["-e", "trace=none", "true"]).status === 0 ? undefined : "strace does not work here";
if (straceProblem !== undefined)
  process.stderr.write(`skipped: ${straceProblem}, so nothing is killed at its writes\n`);
const writes = "pwrite64,fdatasync,fsync,ftruncate,link,linkat,rename,unlink";

/** Only the main thread is counted: that is the one in which SQLite writes. */
function killedAt(count: number, argv: readonly string[]): string[] {
  return [
    "strace",
    "-o",
    "/dev/null",
    "-e",
    `trace=${writes}`,
    "-e",
    `inject=${writes}:signal=KILL:when=${count}`,
    ...argv,
  ];
}

describe.skipIf(straceProblem !== undefined)("killed at any write", () => {
  test(
    "F6: while a state is made: nothing is there yet, or all of it",
    { timeout: limitMs(10, 60) },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "sesta-made-"));
      const module = join(import.meta.dirname, "..", "..", "src", "state", "project-state.ts");
      const script = `import { openProjectState } from ${JSON.stringify(module)}; const s = openProjectState(process.argv[1]); s.setSetting("a", "b"); s.setPort("n", 1); s.close();`;
      const make = (path: string) => [
        process.execPath,
        quiet,
        "--input-type=module-typescript",
        "-e",
        script,
        path,
      ];
      let killed = 0;
      for (const point of points(10, 60)) {
        const path = join(folder, String(point), "state.db");
        const { code } = await run(killedAt(point + 1, make(path)));
        if (code !== 0) killed += 1;
        const state = openProjectState(path);
        expect(["b", undefined]).toContain(state.findSetting("a"));
        state.setSetting("c", "d");
        state.close();
        expect(
          readdirSync(join(folder, String(point))).filter((name) => name.startsWith("state.db-")),
        ).toEqual([]);
      }
      expect(killed).toBeGreaterThan(2);
      rmSync(folder, { recursive: true });
    },
  );

  describe("`sesta up`", () => {
    let folder: string;
    const setIdle = (minutes: number) =>
      writeFileSync(
        join(folder, "sesta.yaml"),
        `name: killed\nworkloads:\n  ${stubName}: { type: lab, idle: ${minutes}m }\n`,
      );
    async function begin(): Promise<void> {
      folder = mkdtempSync(join(tmpdir(), "sesta-killed-"));
      setIdle(1);
      const section = findLab(await loadProject(folder), stubName);
      if (!section) throw new Error("no workload");
      const folders = { project: folder, sesta: join(folder, ".sesta") };
      const { environment } = placesOf(folders, buildLabLaunch(section, []));
      mkdirSync(environment, { recursive: true });
      writeFileSync(join(environment, ".complete"), ""); // nothing is woken here
    }
    async function end(): Promise<void> {
      await sesta(folder, "down", "-y");
      rmSync(folder, { recursive: true, force: true });
    }
    beforeEach(begin);
    afterEach(end);

    const up = () => [process.execPath, quiet, sestaProgram, "up", "-y", "-C", folder];
    async function completes(point: number): Promise<void> {
      expect([point, (await sesta(folder, "status")).stderr]).toEqual([point, ""]);
      expect(await run(up())).toMatchObject({ code: 0 });
      const [status, plan] = [await sesta(folder, "status", "--json"), await sesta(folder, "plan", "--json")];
      expect((JSON.parse(status.stdout) as ProjectStatus).workloads).toMatchObject([
        { name: stubName, state: "asleep", url: expect.stringMatching(/^http:/) as string },
      ]);
      expect((JSON.parse(plan.stdout) as ProjectPlan).plans.map(({ action }) => action)).toEqual(["none"]);
    }

    test("from nothing: the next one completes it", { timeout: limitMs(5, 40, 10_000) }, async () => {
      let killed = 0;
      for (const point of points(5, 40)) {
        const { code } = await run(killedAt(point + 1, up()));
        if (code !== 0) killed += 1;
        await completes(point);
        await end();
        await begin();
      }
      expect(killed).toBeGreaterThan(2);
    });

    test(
      "while it changes something: old or new, and the next one completes it",
      { timeout: limitMs(5, 40, 10_000) },
      async () => {
        await run(up());
        let killed = 0;
        for (const point of points(5, 25)) {
          setIdle(point + 2);
          const { code } = await run(killedAt(point + 1, up()));
          if (code !== 0) killed += 1;
          await completes(point);
        }
        expect(killed).toBeGreaterThan(1);
      },
    );
  });

  describe("the agent", () => {
    let rig: AgentRig;
    beforeAll(async () => {
      rig = await createAgentRig();
    });
    afterAll(() => rig.end());

    test(
      "F2: through put, wake, sleep: nothing is lost, nothing runs twice, the record has no gap",
      { timeout: limitMs(14, 80, 8_000) },
      async () => {
        let killed = 0;
        for (const point of points(14, 80)) {
          const name = `at-${point}`;
          await rig.kill();
          const [program = "", ...operands] = killedAt(point + 1, [...agentCommand, rig.home]);
          const traced = spawn(program, operands, { stdio: "ignore" });
          const ended = once(traced, "exit");
          await until(
            async () =>
              traced.exitCode !== null || traced.signalCode !== null || (await rig.agent.findHello()),
            "no agent",
          );
          const goesOn = () => lives(traced.pid ?? 0);
          await rig.put(name).catch(() => undefined);
          if (goesOn()) await rig.wake(name).catch(() => undefined);
          await until(
            async () => !goesOn() || (await rig.find(name).catch(() => undefined))?.state === "awake",
            "neither awake nor dead",
          );
          if (goesOn()) await rig.sleep(name).catch(() => undefined);
          await until(
            async () => !goesOn() || (await rig.find(name).catch(() => undefined))?.state === "asleep",
            "neither asleep nor dead",
          );
          if (goesOn()) await rig.kill();
          else killed += 1;
          await ended;

          await rig.agent.ensure();
          const known = (await rig.agent.call("list", {})).some((report) => report.name === name);
          if (known) {
            const { state, pid, why } = await rig.untilState(name, "awake", "asleep", "failed");
            expect([point, why, rig.living(name)]).toEqual([point, why, state === "awake" ? [pid] : []]);
            expect(state).not.toBe("failed");
          } else expect(rig.living(name)).toEqual([]);
          await rig.put(name);
          await rig.wake(name);
          const { pid } = await rig.untilState(name, "awake");
          expect([point, rig.living(name)]).toEqual([point, [pid]]);
          await rig.sleep(name);
          await rig.untilState(name, "asleep");
          expect([point, rig.living(name)]).toEqual([point, []]);
          const changes = (await rig.agent.call("changes", { after: 0 })).filter(
            ({ workload }) => workload === name,
          );
          changes.reduce((before, after) => (expect([point, after.from]).toEqual([point, before.to]), after));
        }
        expect(killed).toBeGreaterThan(Math.min(5, points(14, 80).length / 2));
      },
    );
  });
});
