// What an agent remembers: its workloads with their starts, and numbered changes that are kept with the state itself.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Launch } from "../model/launch.ts";
import { openAgentState, type Supervised } from "./agent-state.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-agent-state-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const workload: Supervised = {
  name: "notebook",
  launch: { name: "notebook", title: "Jupyter Lab" } as Launch,
  places: { environment: "/e", workspace: "/w" },
  state: "asleep",
  since: 1,
  why: "why",
  start: null,
};
const start = { startId: "s1", port: 40_001, bootId: "b1" };
const record = {
  at: 5,
  workload: "notebook",
  from: "asleep",
  to: "waking",
  why: "asked",
  by: "owner",
} as const;

test("workloads come back as they were saved, with their start and without", () => {
  const path = join(folder, "a.db");
  const state = openAgentState(path);
  state.save(workload);
  state.save({ ...workload, name: "other", start });
  state.save({ ...workload, state: "waking", start });
  state.close();
  const again = openAgentState(path);
  expect(again.list()).toEqual([
    { ...workload, state: "waking", start },
    { ...workload, name: "other", start },
  ]);
  again.delete("other");
  expect(again.list().map(({ name }) => name)).toEqual(["notebook"]);
  again.close();
});

test("a change and the state it led to are kept together, under the next number", () => {
  const state = openAgentState(join(folder, "b.db"));
  expect(state.change({ ...workload, state: "waking" }, record)).toEqual({ seq: 1, ...record });
  expect(state.change(workload, { ...record, from: "waking", to: "asleep" }).seq).toBe(2);
  expect([
    state.list()[0]?.state,
    state.changesAfter(0).map(({ seq }) => seq),
    state.changesAfter(1).length,
  ]).toEqual(["asleep", [1, 2], 1]);
  state.close();
});

test("numbers are never given twice, and the database keeps its name", () => {
  const path = join(folder, "c.db");
  const state = openAgentState(path);
  const { instance } = state;
  state.change(workload, record);
  state.delete("notebook");
  state.close();
  const again = openAgentState(path);
  expect([again.instance, again.change(workload, record).seq]).toEqual([instance, 2]);
  again.close();
  const other = openAgentState(join(folder, "d.db"));
  expect(other.instance).not.toBe(instance);
  expect(instance).toMatch(/^[0-9a-f]{16}$/);
  other.close();
});

test("F2: one agent a folder: a second one is told", () => {
  const path = join(folder, "e.db");
  const state = openAgentState(path);
  expect(() => openAgentState(path)).toThrow(expect.objectContaining({ code: "BUSY" }) as Error);
  state.close();
  openAgentState(path).close();
});
