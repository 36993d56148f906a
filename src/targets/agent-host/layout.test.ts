// Where things are, and digests that depend on what is said, not on how it was written down.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Launch, PythonEnvironment } from "../../model/launch.ts";
import { agentHome, environmentsFolder, launchDigest, placesOf } from "./layout.ts";

const folders = { project: "/home/me/project", sesta: "/home/me/project/.sesta" };
const environment: PythonEnvironment = { python: "3.12", locked: "a==1", packages: ["b"], requirements: [] };
const launch: Launch = {
  name: "notebook",
  type: "lab",
  title: "Jupyter Lab",
  environment,
  process: { argv: [["x"]], env: { B: ["2"], A: ["1"] }, files: {}, startTimeoutMs: 1, stopGraceMs: 1 },
  door: { home: "/lab", healthPath: "/", tokenScheme: "token" },
  idle: { idleMs: null, maxAwakeMs: null, evidence: "none" },
  workspace: "notebook",
};

test("all of it is in the state folder, but for the workspace", () => {
  expect([agentHome(folders), environmentsFolder(folders)]).toEqual([
    "/home/me/project/.sesta/agent",
    "/home/me/project/.sesta/environments",
  ]);
  const { environment: where, workspace } = placesOf(folders, launch);
  expect(where).toMatch(/^\/home\/me\/project\/\.sesta\/environments\/[0-9a-f]{16}$/);
  expect(workspace).toBe("/home/me/project/notebook");
  expect(placesOf(folders, { ...launch, workspace: "/elsewhere" }).workspace).toBe("/elsewhere");
});

test("a launch without an environment runs from the state folder", () => {
  const { environment: _, ...without } = launch;
  expect(placesOf(folders, without).environment).toBe(folders.sesta);
});

test("the same needs share an environment; each other need has its own", () => {
  const at = (more: Partial<PythonEnvironment>) =>
    placesOf(folders, { ...launch, environment: { ...environment, ...more } }).environment;
  expect(placesOf(folders, { ...launch, name: "other", workspace: "other" }).environment).toBe(at({}));
  const all = [
    {},
    { python: "3.13" },
    { locked: "a==2" },
    { packages: ["b", "c"] },
    { packages: [], requirements: ["b"] },
  ];
  expect(new Set(all.map(at)).size).toBe(all.length);
});

test("the order of keys does not matter to a digest, the order of lists does", () => {
  const turned = JSON.parse(JSON.stringify(launch), (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toReversed())
      : value,
  ) as Launch;
  expect(Object.keys(turned)).not.toEqual(Object.keys(launch));
  expect(launchDigest(turned)).toBe(launchDigest(launch));
  const process = { ...launch.process, argv: [["x"], ["y"]] };
  const other = { ...launch.process, argv: [["y"], ["x"]] };
  expect(launchDigest({ ...launch, process })).not.toBe(launchDigest({ ...launch, process: other }));
});

test("launches that differ anywhere have different digests", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      const digest = (value: unknown) => launchDigest({ ...launch, title: value as string });
      const same = canonical(one) === canonical(other);
      expect(digest(one) === digest(other)).toBe(same);
    }),
  );
});

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`);
  return `{${entries.toSorted().join()}}`;
}
