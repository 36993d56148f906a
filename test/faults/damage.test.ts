// State that was cut off anywhere, or written by a newer Sesta: refused with its path, or read as it was; never begun anew.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ProjectStatus } from "../../src/model/status.ts";
import { openAgentState } from "../../src/state/agent-state.ts";
import { openProjectState } from "../../src/state/project-state.ts";
import { expectOneError, sesta } from "./support/command-line.ts";
import { openKilled } from "./support/open-killed.ts";
import { points } from "./support/points.ts";
import { until } from "./support/processes.ts";
import { buildStubLaunch } from "./support/stub-launch.ts";
import { createStubProject, stubName, type StubProject } from "./support/stub-project.ts";

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
      places: { environment: "e", workspace: "w", disk: "kept", sessions: false },
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
      const db = openKilled(path);
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
    // An agent that waited for the first one's place may take it.
    await until(async () => {
      await project.killAgent().catch(() => undefined);
      return mergeJournal(path);
    }, "the agent keeps coming back");
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

  function mergeJournal(path: string): boolean {
    const db = openKilled(path);
    try {
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      return true;
    } catch {
      return false;
    } finally {
      db.close();
    }
  }

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
