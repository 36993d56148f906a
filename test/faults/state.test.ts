// The state: cut off anywhere, written by a newer Sesta, killed at any write, fought over by twenty commands.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ProjectStatus } from "../../src/model/status.ts";
import type { ProjectPlan } from "../../src/operations/plan.ts";
import { loadProject } from "../../src/project/load.ts";
import { openAgentState } from "../../src/state/agent-state.ts";
import { openProjectState } from "../../src/state/project-state.ts";
import { placesOf } from "../../src/targets/local/layout.ts";
import { buildLabLaunch } from "../../src/workloads/lab/build-launch.ts";
import { agentCommand, createAgentRig, type AgentRig } from "./support/agent-rig.ts";
import { killHard, lives, until } from "./support/processes.ts";
import { limitMs, points } from "./support/points.ts";
import { buildStubLaunch } from "./support/stub-launch.ts";
import { createStubProject, stubName, type StubProject } from "./support/stub-project.ts";

const main = join(import.meta.dirname, "..", "..", "src", "main.ts");
const quiet = "--disable-warning=ExperimentalWarning";

type Ran = { code: number | null; stdout: string; stderr: string };

async function run(
  [program = "", ...operands]: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const child = spawn(program, operands, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

const sesta = (folder: string, ...words: string[]) =>
  run([process.execPath, quiet, main, ...words, "-C", folder]);

function expectOneError({ code, stderr }: Ran, says: RegExp): void {
  expect([code, stderr.match(/^error: /gm)?.length]).toEqual([1, 1]);
  expect(stderr).toMatch(says);
  expect(stderr).toMatch(/^try: \S/m);
  expect(stderr).not.toMatch(/^\s+at |This is a bug/m);
}

describe("cut off", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sesta-cut-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Opens each shortened copy and reads all of it: refused as damaged, or exactly what it was. */
  function sweep(whole: string, read: (path: string) => unknown): void {
    const expected = read(whole);
    const bytes = readFileSync(whole);
    const refused = new Set<number>();
    const sizes = points(60, Math.ceil(bytes.length / 64)).map((step) => step * 64);
    for (const size of sizes) {
      const cut = join(folder, "cut.db");
      for (const ending of ["", "-wal", "-shm"]) rmSync(cut + ending, { force: true });
      writeFileSync(cut, bytes.subarray(0, size));
      let found: unknown;
      try {
        found = read(cut);
      } catch (error) {
        expect([size, error]).toMatchObject([
          size,
          { code: "STATE_DAMAGED", message: expect.stringContaining(cut) as string, hint: /./ },
        ]);
        refused.add(size);
        continue;
      }
      expect([size, found]).toEqual([size, expected]);
    }
    expect([refused.has(0), refused.size]).toEqual([true, sizes.length]);
  }

  test("F23: the project's state at every 64 bytes", () => {
    const path = join(folder, "state.db");
    const change = {
      at: 1,
      workload: stubName,
      from: "asleep",
      to: "waking",
      why: "x".repeat(300),
      by: "owner",
    } as const;
    const state = openProjectState(path);
    state.saveWorkload({
      name: stubName,
      type: "lab",
      target: "local",
      launch: buildStubLaunch(stubName),
      digest: "d",
      placedAt: 1,
    });
    for (let seq = 1; seq <= 60; seq++) state.addChange("agent", { ...change, seq });
    state.setPort(stubName, 8471);
    state.setPassword("team_pass", "hash");
    state.close();
    sweep(path, (one) => {
      const opened = openProjectState(one);
      try {
        return [
          opened.listWorkloads(),
          opened.listChanges(),
          [...opened.listPorts()],
          [...opened.listPasswords()],
        ];
      } finally {
        opened.close();
      }
    });
  });

  test("F23: the agent's state at every 64 bytes", () => {
    const path = join(folder, "agent.db");
    const workload = {
      launch: buildStubLaunch(stubName),
      places: { environment: "e", workspace: "w" },
      state: "asleep",
      since: 1,
      why: "w",
      start: null,
    } as const;
    const state = openAgentState(path);
    for (let index = 0; index < 20; index++) state.save({ ...workload, name: `stub-${index}` });
    state.close();
    sweep(path, (one) => {
      const opened = openAgentState(one);
      try {
        return [opened.list(), opened.changesAfter(0), opened.instance];
      } finally {
        opened.close();
      }
    });
  });
});

describe("a project whose files are damaged", () => {
  let project: StubProject;
  let state: string;
  beforeAll(async () => {
    project = await createStubProject();
    state = join(project.folder, ".sesta", "state.db");
  });
  afterAll(() => project.end());

  const spoil = async (path: string, change: (path: string) => void, look: () => Promise<void>) => {
    copyFileSync(path, `${path}.saved`);
    change(path);
    try {
      await look();
    } finally {
      for (const ending of ["-wal", "-shm"]) rmSync(path + ending, { force: true });
      copyFileSync(`${path}.saved`, path);
      rmSync(`${path}.saved`);
    }
  };

  test.each([0, 64, 4096])(
    "F23: state.db of %d bytes: every verb refuses with its path and what to do; put back, all is there",
    async (size) => {
      await spoil(
        state,
        (path) => truncateSync(path, size),
        async () => {
          for (const verb of ["status", "plan", "history"])
            expectOneError(await sesta(project.folder, verb), /state\.db is damaged/);
          expectOneError(await sesta(project.folder, "up", "-y"), /state\.db is damaged/);
          expect(readFileSync(state)).toHaveLength(size);
        },
      );
      const { stdout } = await sesta(project.folder, "status", "--json");
      expect((JSON.parse(stdout) as ProjectStatus).workloads).toMatchObject([
        { name: stubName, state: "asleep" },
      ]);
    },
  );

  test("F24: state.db of a newer Sesta", async () => {
    const newer = (path: string) => {
      const db = new DatabaseSync(path);
      db.exec("PRAGMA user_version = 99");
      db.close();
    };
    await spoil(state, newer, async () => {
      expectOneError(
        await sesta(project.folder, "status"),
        /state\.db has version 99; this Sesta knows up to \d+/,
      );
    });
  });

  test.each([
    ["agent.db of 0 bytes", 0],
    ["agent.db of 4096 bytes", 4096],
  ])("F23: %s: waking refuses with its path and what to do", async (_what, size) => {
    const path = join(project.folder, ".sesta", "agent", "agent.db");
    await project.killAgent();
    new DatabaseSync(path).exec("PRAGMA wal_checkpoint(TRUNCATE)");
    await spoil(
      path,
      (one) => truncateSync(one, size),
      async () => {
        await expect(project.agent.ensure()).rejects.toMatchObject({
          code: "STATE_DAMAGED",
          message: expect.stringContaining(path) as string,
        });
        const { code, stdout } = await sesta(project.folder, "status", "--json");
        const { workloads } = JSON.parse(stdout) as ProjectStatus;
        expect([code, workloads[0]?.why]).toEqual([0, expect.stringContaining("agent.db is damaged")]);
        expect(readFileSync(path)).toHaveLength(size);
      },
    );
    await project.agent.ensure();
    expect(await project.find()).toMatchObject({ state: "asleep" });
  });

  test("F23: the cache of sesta.yaml and the lock's note, cut off anywhere, are made anew", async () => {
    const cache = join(project.folder, ".sesta", "project.json");
    await sesta(project.folder, "status");
    const whole = readFileSync(cache);
    for (const part of points(4, 40)) {
      writeFileSync(cache, whole.subarray(0, Math.floor((whole.length * part) / 40)));
      writeFileSync(join(project.folder, ".sesta", "verb.json"), '{"verb":"up","pi'.slice(0, part));
      expect((await sesta(project.folder, "status")).code).toBe(0);
      expect(readFileSync(cache)).toEqual(whole);
    }
  });
});

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
      const section = (await loadProject(folder)).workloads[stubName];
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

    const up = () => [process.execPath, quiet, main, "up", "-y", "-C", folder];
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
        expect(killed).toBeGreaterThan(5);
      },
    );
  });
});

describe("twenty commands at once", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sesta-crowd-"));
    const command = "while [ ! -e go ]; do sleep 0.05; done; echo enough";
    writeFileSync(
      join(folder, "sesta.yaml"),
      `name: crowd\nsecrets: { pass: { command: "${command}" } }\nworkloads:\n  notebook: { type: lab, password: "\${secret.pass}" }\n`,
    );
  });
  afterEach(async () => {
    writeFileSync(join(folder, "go"), "");
    await sesta(folder, "down", "-y");
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    "F20, F17: one works, the others exit 75 and name it; killed, it leaves nothing locked",
    { timeout: 120_000 },
    async () => {
      const first = spawn(process.execPath, [quiet, main, "up", "-y", "-C", folder], { stdio: "ignore" });
      await until(() => existsSync(join(folder, ".sesta", "verb.json")), "nobody has the lock");
      const others = await Promise.all(Array.from({ length: 20 }, () => sesta(folder, "up", "-y")));
      expect([...new Set(others.map(({ code }) => code))]).toEqual([75]);
      for (const { stderr } of others) {
        expect(stderr).toMatch(
          new RegExp(
            `^error: \`sesta up\` \\(process ${first.pid}, for \\d+ s\\) is changing this project$`,
            "m",
          ),
        );
      }
      expectBusy(await sesta(folder, "down", "-y"));
      await killHard(first.pid ?? 0);
      mkdirSync(join(folder, "notebook"), { recursive: true });
      const next = sesta(folder, "down", "-y");
      expect((await next).code).toBe(0);
    },
  );
});

function expectBusy({ code, stderr }: Ran): void {
  expect([code, stderr.includes("is changing this project")]).toEqual([75, true]);
}
