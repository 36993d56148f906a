// A lab's launch, whole; and that its generated and pinned files are what they should be.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { LabSection } from "../../model/project.ts";
import { fill, type Places } from "../../model/template.ts";
import { buildLabLaunch, computing } from "./build-launch.ts";
import { launchScript, lockedRequirements } from "./files.gen.ts";

const section: LabSection = {
  type: "lab",
  name: "notebook",
  target: "local",
  idleMs: 2_400_000,
  maxAwakeMs: null,
  packages: ["pandas"],
  python: "3.12",
  workspace: "notebook",
};

const places: Places = {
  environment: "/env",
  workspace: "/work space",
  runtime: "/run/1",
  keep: "/keep",
  port: "40001",
  token_file: "/run/1/token",
};

test("the whole launch", () => {
  const launch = buildLabLaunch({ ...section, password: "team_pass", port: 8500 }, ["six"]);
  expect({ ...launch, environment: undefined, process: { ...launch.process, argv: [], files: {} } })
    .toMatchInlineSnapshot(`
      {
        "door": {
          "healthPath": "/api/status",
          "home": "/lab",
          "password": "team_pass",
          "port": 8500,
          "tokenScheme": "token",
        },
        "environment": undefined,
        "idle": {
          "evidence": "jupyter",
          "idleMs": 2400000,
          "keepAwake": {
            "cpuPercent": 5,
            "forMs": 60000,
          },
          "maxAwakeMs": null,
        },
        "name": "notebook",
        "process": {
          "argv": [],
          "boundFile": "bound-{pid}.json",
          "env": {},
          "files": {},
          "startTimeoutMs": 60000,
          "stopGraceMs": 15000,
          "stopPath": "/api/shutdown",
        },
        "title": "Jupyter Lab",
        "type": "lab",
        "workspace": "notebook",
      }
    `);
  expect(launch.environment).toEqual({
    python: "3.12",
    locked: lockedRequirements,
    packages: ["pandas"],
    requirements: ["six"],
  });
  expect(launch.process.files).toEqual({ "launch.py": launchScript });
});

test("how it is saved and what keeps it awake are taken over as they are; without, programs that compute count", () => {
  const save = {
    repo: "/srv/saves.git",
    branch: "main",
    token: "git_token",
    include: ["data/"],
    exclude: [],
    maxFileBytes: 1_024,
    everyMs: 1_000,
    lfs: true,
  };
  const keepAwake = { cpuPercent: 50, forMs: 300_000 };
  const launch = buildLabLaunch({ ...section, save, keepAwake }, []);
  expect([launch.save, launch.idle.keepAwake]).toEqual([save, keepAwake]);
  expect(buildLabLaunch(section, [])).not.toHaveProperty("save");
  expect(buildLabLaunch(section, []).idle.keepAwake).toEqual(computing);
});

test("without a password or a port the door names none", () => {
  const { door } = buildLabLaunch(section, []);
  expect(door).not.toHaveProperty("password");
  expect(door).not.toHaveProperty("port");
});

test("T4: the process is given the token's file, never the token", () => {
  const { argv, env } = buildLabLaunch(section, []).process;
  expect(argv.map((part) => fill(part, places))).toEqual([
    "/env/bin/python",
    "-I",
    "/run/1/launch.py",
    "40001",
    "/work space",
    "/run/1/token",
    "/keep",
  ]);
  expect(env).toEqual({});
});

test("a lab that names no Python takes any that the lock is made for", () => {
  const { python: _, ...without } = section;
  expect(buildLabLaunch(without, []).environment?.python).toBe(">=3.10,<3.15");
});

test("the generated file is up to date", () => {
  const read = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");
  expect(lockedRequirements).toBe(read("./requirements.txt"));
  expect(launchScript).toBe(read("./launch.py"));
});

test("every pin has a version and digests, and no line says where from", () => {
  const entries = lockedRequirements.replaceAll("\\\n", "").trim().split("\n");
  expect(entries.length).toBeGreaterThan(80);
  for (const entry of entries)
    expect(entry).toMatch(/^[a-z0-9-]+==\S+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+$/);
  expect(lockedRequirements).not.toMatch(/https?:|file:|--index|--find-links/);
});
