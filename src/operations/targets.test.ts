// Which target a workload belongs to: where it is, as long as it is somewhere, else where the file wants it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { buildTinyLaunch } from "../../test/support/tiny-launch.ts";
import type { Project } from "../model/project.ts";
import type { TargetSection } from "../model/target-section.ts";
import { openProjectState } from "../state/project-state.ts";
import type { Target } from "../targets/target.ts";
import { createTargets, folderOnMachines } from "./targets.ts";

const box = (host: string): TargetSection => ({ type: "ssh", hosts: [{ name: host, host }], sleep: "none" });

function createRig() {
  const folder = mkdtempSync(join(tmpdir(), "sesta-targets-"));
  const state = openProjectState(join(folder, "state.db"));
  onTestFinished(() => {
    state.close();
    rmSync(folder, { recursive: true });
  });
  const closed: string[] = [];
  let project = {
    name: "team",
    targets: { local: { type: "local" }, box: box("gpu-1") },
    workloads: { here: { target: "local" }, there: { target: "box" } },
  } as unknown as Project;
  const targets = createTargets({
    project: () => project,
    state,
    create: (name, section) =>
      ({ name, section, close: async () => void closed.push(name) }) as unknown as Target,
  });
  const place = (name: string, target: string) =>
    state.saveWorkload({ name, type: "lab", target, launch: buildTinyLaunch(name), digest: "", placedAt: 1 });
  const change = (more: Partial<Project>) => (project = { ...project, ...more });
  return { targets, state, closed, place, change, project: () => project };
}

test("where the file wants it, and where it is once it is up, whatever the file says by then", () => {
  const { targets, place } = createRig();
  expect(["here", "there", "unknown"].map((name) => targets.of(name).name)).toEqual([
    "local",
    "box",
    "local",
  ]);
  place("here", "box");
  expect(targets.of("here").name).toBe("box");
});

test("in use: `local` always, others while something is on them", () => {
  const { targets, state, place } = createRig();
  const names = () => targets.inUse().map(({ name }) => name);
  expect(names()).toEqual(["local"]);
  place("there", "box");
  expect(names()).toEqual(["local", "box"]);
  state.deleteWorkload("there");
  expect(names()).toEqual(["local"]);
});

test("one that is gone from the file is remembered where something was brought up; else it is unknown", () => {
  const { targets, place, change } = createRig();
  place("there", "box");
  change({ targets: { local: { type: "local" } } });
  expect(() => targets.of("there")).toThrow(expect.objectContaining({ code: "UNKNOWN_TARGET" }));
  expect(targets.inUse().map(({ name }) => name)).toEqual(["local"]);
  change({ targets: { local: { type: "local" }, box: box("gpu-1") } });
  targets.remember("box");
  change({ targets: { local: { type: "local" } } });
  expect(targets.of("there")).toMatchObject({ name: "box", section: box("gpu-1") });
});

test("the machine that something is up on stays its target when the file names another one; an address may change", () => {
  const { targets, state, place, change } = createRig();
  place("there", "box");
  targets.remember("box");
  change({ targets: { box: box("gpu-2") } });
  expect(targets.findMoved("box")).toEqual({ before: "gpu-1", now: "gpu-2" });
  expect(targets.of("there")).toMatchObject({ section: box("gpu-1") });
  targets.remember("box"); // as a job that runs on the new one
  expect(targets.findMoved("box")).toEqual({ before: "gpu-1", now: "gpu-2" });
  const renumbered: TargetSection = {
    type: "ssh",
    hosts: [{ name: "gpu-1", host: "10.0.0.6" }],
    sleep: "none",
  };
  change({ targets: { box: renumbered } });
  expect(targets.findMoved("box")).toBeUndefined();
  expect(targets.of("there")).toMatchObject({ section: renumbered });
  change({ targets: { box: box("gpu-2") } });
  state.deleteWorkload("there");
  expect(targets.findMoved("box")).toBeUndefined();
  expect(targets.get("box")).toMatchObject({ section: box("gpu-2") });
});

test("folders on machines elsewhere keep the name that they got", () => {
  const { targets, state, change, project } = createRig();
  expect(folderOnMachines(state, project())).toBe("team");
  targets.remember("box");
  change({ name: "renamed" });
  expect(folderOnMachines(state, project())).toBe("team");
});

test("made once; anew, and the old one closed, when its section has changed", () => {
  const { targets, closed, change } = createRig();
  const first = targets.get("box");
  expect(targets.get("box")).toBe(first);
  change({ targets: { local: { type: "local" }, box: box("gpu-2") } });
  expect(targets.get("box")).not.toBe(first);
  expect(closed).toEqual(["box"]);
});
