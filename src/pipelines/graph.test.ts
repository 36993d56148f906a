// Which stages run, in which order, and which may come from an earlier run.
import { expect, test } from "vitest";
import type { PipelineSection, StageSection } from "../model/pipeline.ts";
import { listNeeded, selectStages, sortStages, getStage } from "./graph.ts";

const stage = (name: string, needs: string[], more: Partial<StageSection> = {}): StageSection => ({
  name,
  needs,
  work: { kind: "run", script: "x" },
  manual: false,
  env: {},
  outputs: [],
  junit: [],
  timeoutMs: null,
  ...more,
});

const pipeline: PipelineSection = {
  name: "p",
  stages: [
    stage("deploy", ["build"]),
    stage("lint", []),
    stage("test", ["lint"]),
    stage("train", []),
    stage("build", ["test", "train"]),
    stage("destroy", [], { manual: true }),
  ],
};
const select = (selection: Partial<Parameters<typeof selectStages>[1]>) =>
  selectStages(pipeline, { anew: false, ...selection }).map(({ stage: { name }, mode }) => `${name} ${mode}`);

test("never before what they need", () => {
  expect(sortStages(pipeline).map(({ name }) => name)).toEqual([
    "lint",
    "test",
    "train",
    "build",
    "deploy",
    "destroy",
  ]);
  expect(listNeeded(pipeline, getStage(pipeline, "deploy"))).toEqual(["lint", "test", "train", "build"]);
});

test("all but those that run by hand", () => {
  expect(select({})).toEqual(["lint run", "test run", "train run", "build run", "deploy run"]);
  expect(select({ anew: true })).toContain("lint anew");
});

test("one alone takes what it needs from earlier", () => {
  expect(select({ only: "build" })).toEqual(["lint reuse", "test reuse", "train reuse", "build run"]);
  expect(select({ only: "build", anew: true })).toContain("build anew");
  expect(select({ only: "destroy" })).toEqual(["destroy run"]);
});

test("from one on: it and what needs it are run anew, what those need as it comes", () => {
  expect(select({ from: "test" })).toEqual([
    "lint run",
    "test anew",
    "train run",
    "build anew",
    "deploy anew",
  ]);
  expect(select({ from: "destroy" })).toEqual(["destroy anew"]);
  expect(() => select({ from: "nope" })).toThrow('no stage "nope"');
});
