// What an agent remembers: its workloads with their starts, and numbered changes that are kept with the state itself.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lives, until } from "../../test/faults/support/processes.ts";
import type { Launch } from "../model/launch.ts";
import { openAgentState, type Supervised } from "./agent-state.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-agent-state-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const workload: Supervised = {
  name: "notebook",
  launch: { name: "notebook", title: "Jupyter Lab" } as Launch,
  places: { environment: "/e", workspace: "/w", disk: "kept", sessions: false },
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

test("a span of use grows under its id, gets its number when it is over, and is never missed by who asks later", () => {
  const state = openAgentState(join(folder, "uses.db"));
  const long = { workload: "notebook", source: "a kernel is busy", from: 10, to: 10 };
  const short = { workload: "notebook", source: "somebody typed", from: 20, to: 30 };
  const id = state.growUse(null, long);
  expect(state.growUse(id, { ...long, to: 25 })).toBe(id);
  expect(state.closeUse(null, short)).toEqual({ seq: 1, ...short });
  expect(state.usesAfter(0, true)).toEqual([
    { seq: 1, ...short },
    { seq: 0, ...long, to: 25 },
  ]);
  expect(state.closeUse(id, { ...long, to: 40 })).toEqual({ seq: 2, ...long, to: 40 });
  expect(state.usesAfter(1, true)).toEqual([{ seq: 2, ...long, to: 40 }]);
  state.close();
});

test("F2: what an agent wrote of a span before it was killed is closed by the next one", async () => {
  const path = join(folder, "killed.db");
  const script = `
    const { openAgentState } = await import(${JSON.stringify(join(import.meta.dirname, "agent-state.ts"))});
    const state = openAgentState(${JSON.stringify(path)});
    const span = { workload: "notebook", source: "a kernel is busy", from: 1_000, to: 1_000 };
    state.closeUse(null, { ...span, to: 2_000 });
    for (let to = 3_000, id = null; ; to += 1_000) {
      id = state.growUse(id, { ...span, from: 3_000, to });
      process.stdout.write(to + "\\n");
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  for await (const text of child.stdout.setEncoding("utf8")) {
    said += String(text);
    if (said.split("\n").length > 20) child.kill("SIGKILL");
  }
  await until(() => !lives(child.pid ?? 0), "the writer lives on");
  const written = Number(said.trimEnd().split("\n").at(-1));
  const state = await until(() => {
    try {
      return openAgentState(path);
    } catch {
      return undefined; // the last threads of a killed process let go of its locks a little later
    }
  }, "the database stays locked");
  const closed = state.closeUses();
  expect(closed).toEqual([
    { seq: 2, workload: "notebook", source: "a kernel is busy", from: 3_000, to: closed[0]?.to },
  ]);
  expect(closed[0]?.to).toBeGreaterThanOrEqual(written);
  expect([state.usesAfter(0, true).length, state.closeUses()]).toEqual([2, []]);
  state.close();
});

test("a hold is kept until it is let go, or its workload is removed", () => {
  const path = join(folder, "holds.db");
  const state = openAgentState(path);
  state.save(workload);
  expect(state.hold("notebook")).toBeNull();
  state.setHold("notebook", { until: 5, reason: null });
  state.setHold("notebook", { until: 6, reason: "a demo" });
  state.close();
  const again = openAgentState(path);
  expect(again.hold("notebook")).toEqual({ until: 6, reason: "a demo" });
  again.setHold("notebook", null);
  expect(again.hold("notebook")).toBeNull();
  again.setHold("notebook", { until: 7, reason: null });
  again.delete("notebook");
  expect(again.hold("notebook")).toBeNull();
  again.close();
});

test("F2: one agent a folder: a second one is told", () => {
  const path = join(folder, "e.db");
  const state = openAgentState(path);
  expect(() => openAgentState(path)).toThrow(expect.objectContaining({ code: "BUSY" }) as Error);
  state.close();
  openAgentState(path).close();
});
