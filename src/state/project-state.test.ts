// What a project remembers: placed workloads, ports for ever, password versions, and each change once.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Launch } from "../model/launch.ts";
import type { Change } from "../model/status.ts";
import { openProjectState } from "./project-state.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-project-state-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

function open(name = `${(count += 1)}.db`) {
  return openProjectState(join(folder, name));
}

const launch = { name: "notebook", title: "Jüpyter 'Lab'", workspace: "notebook" } as Launch;
const placed = {
  name: "notebook",
  type: "lab",
  target: "local",
  launch,
  digest: "d1",
  placedAt: null,
} as const;
const change = (seq: number, to: Change["to"], at = seq * 1_000, workload = "notebook"): Change => ({
  seq,
  at,
  workload,
  from: to === "awake" ? "waking" : "asleep",
  to,
  why: `why ${seq}`,
  by: "owner",
});

test("a placed workload comes back as it was saved, also from another opener", () => {
  const state = open("shared.db");
  state.saveWorkload(placed);
  const other = open("shared.db");
  expect(other.findWorkload("notebook")).toEqual(placed);
  other.saveWorkload({ ...placed, placedAt: 7, digest: "d2" });
  expect(state.listWorkloads()).toEqual([{ ...placed, placedAt: 7, digest: "d2" }]);
  state.deleteWorkload("notebook");
  expect([other.findWorkload("notebook"), other.listWorkloads()]).toEqual([undefined, []]);
  state.close();
  other.close();
});

test("another opener's change is noticed, one's own is not", () => {
  const [state, other] = [open("noticed.db"), open("noticed.db")];
  const before = state.dataVersion();
  state.setSetting("a", "1");
  expect(state.dataVersion()).toBe(before);
  other.setSetting("a", "2");
  expect(state.dataVersion()).not.toBe(before);
  expect(state.findSetting("a")).toBe("2");
  state.deleteSetting("a");
  expect(other.findSetting("a")).toBeUndefined();
  state.close();
  other.close();
});

test("a port belongs to one workload; who takes it over leaves the other without", () => {
  const state = open();
  state.setPort("a", 8471);
  state.setPort("b", 8472);
  state.setPort("a", 8473);
  state.setPort("c", 8472);
  expect([...state.listPorts()].toSorted()).toEqual([
    ["a", 8473],
    ["c", 8472],
  ]);
  state.close();
});

test("T17: each new password has a version of its own", () => {
  const state = open();
  state.setPassword("team", "h1");
  state.setPassword("other", "x");
  state.setPassword("team", "h2");
  expect(state.listPasswords().get("team")).toEqual({ hash: "h2", version: 2 });
  expect(state.listPasswords().get("other")).toEqual({ hash: "x", version: 1 });
  state.close();
});

test("a change is kept once, however often it is handed over, and each source counts for itself", () => {
  const state = open();
  for (const source of ["agent-1", "agent-1", "agent-2"]) {
    state.addChange(source, change(1, "waking"));
    state.addChange(source, change(2, "awake"));
  }
  state.addChange("agent-1", { ...change(2, "failed"), why: "another story" });
  expect(state.listChanges()).toHaveLength(4);
  expect(state.listChanges().filter(({ to }) => to === "failed")).toEqual([]);
  expect([state.lastSeq("agent-1"), state.lastSeq("agent-2"), state.lastSeq("unknown")]).toEqual([2, 2, 0]);
  state.addChange("agent-1", change(3, "waking", 3_000, "other"));
  expect(state.listChanges("other")).toEqual([change(3, "waking", 3_000, "other")]);
  state.close();
});

test("a span of use is kept once, by the agent that saw it, in the order of time", () => {
  const state = open();
  const span = (seq: number, from: number, workload = "notebook") => ({
    seq,
    workload,
    source: "a kernel is busy",
    from,
    to: from + 10,
  });
  for (const instance of ["agent-1", "agent-1", "agent-2"]) state.addUse(instance, span(1, 100));
  state.addUse("agent-1", { ...span(1, 100), source: "another story" });
  state.addUse("agent-1", span(4, 50));
  state.addUse("agent-1", span(5, 70, "other"));
  expect(state.listUses("notebook")).toEqual([span(4, 50), span(1, 100), span(1, 100)]);
  expect(state.listUses()).toHaveLength(4);
  expect(["agent-1", "agent-2", "unknown"].map((instance) => state.lastUseSeq(instance))).toEqual([5, 1, 0]);
  state.close();
});

test("how long wakes took: newest first, failed ones left out", () => {
  const state = open();
  const rows: [Change["to"], number][] = [
    ["waking", 1_000],
    ["awake", 3_000],
    ["asleep", 9_000],
    ["waking", 10_000],
    ["failed", 11_000],
    ["waking", 20_000],
    ["awake", 25_000],
  ];
  rows.forEach(([to, at], index) => state.addChange("agent", change(index + 1, to, at)));
  expect(state.wakeDurationsMs("notebook")).toEqual([5_000, 2_000]);
  expect([state.wakeDurationsMs("notebook", 1), state.wakeDurationsMs("unknown")]).toEqual([[5_000], []]);
  state.close();
});

test("nothing of a transaction that failed is kept", () => {
  const state = open();
  expect(() =>
    state.transact(() => {
      state.saveWorkload(placed);
      state.setPort("notebook", 8471);
      throw new Error("no");
    }),
  ).toThrow("no");
  expect([state.listWorkloads(), state.listPorts().size]).toEqual([[], 0]);
  state.close();
});

test("names are values, never SQL", () => {
  const state = open();
  const name = "x'); DROP TABLE workloads; --";
  state.saveWorkload({ ...placed, name });
  state.setSetting(name, name);
  expect([state.findWorkload(name)?.name, state.findSetting(name), state.listWorkloads().length]).toEqual([
    name,
    name,
    1,
  ]);
  state.close();
});
