// The published package: packed, installed into an empty folder, and used from there as its users would.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { version } from "../src/base/version.ts";
import { endAll } from "./faults/support/processes.ts";
import { root } from "./support/source-files.ts";
import { findMissingSshd, startSshServer } from "./support/ssh-server.ts";

const missingSshd = findMissingSshd();
if (missingSshd !== undefined) console.warn(`package.test.ts, over SSH: skipped: ${missingSshd}`);

const folder = mkdtempSync(join(tmpdir(), "sesta-package-"));
const installed = join(folder, "installed");
const inside = join(installed, "node_modules", "sesta");
const project = join(folder, "project");
const password = "package-canary-5e1f";
let tarball = "";

function withNode(node: string): NodeJS.ProcessEnv {
  const { PYTHONDONTWRITEBYTECODE: _, NODE_OPTIONS: __, ...env } = process.env;
  return {
    ...env,
    PATH: [dirname(node), env["PATH"]].join(delimiter),
    TEAM_PASS: password,
    SESTA_CACHE: join(tmpdir(), "sesta-test-cache"),
  };
}

function sesta(argv: readonly string[], node = process.execPath) {
  const ran = spawnSync(join(installed, "node_modules", ".bin", "sesta"), argv, {
    cwd: project,
    env: withNode(node),
    encoding: "utf8",
  });
  return { code: ran.status, stdout: ran.stdout, stderr: ran.stderr };
}

function npm(cwd: string, ...argv: string[]): string {
  const ran = spawnSync("npm", argv, { cwd, env: withNode(process.execPath), encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`npm ${argv.join(" ")}: ${ran.stderr}`);
  return ran.stdout;
}

beforeAll(() => {
  for (const path of [installed, project]) mkdirSync(path);
  const [packed] = JSON.parse(npm(root, "pack", "--json", "--silent", "--pack-destination", folder)) as {
    filename: string;
  }[];
  tarball = join(folder, packed?.filename ?? "");
  // The prefix keeps npm from taking a project above for the one that is meant.
  npm(
    installed,
    "install",
    "--prefix",
    installed,
    "--no-save",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    tarball,
  );
});
afterAll(() => {
  if (existsSync(join(project, "sesta.yaml"))) sesta(["down", "-y"]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

describe("what it holds", () => {
  const files = () =>
    readdirSync(inside, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules/sesta/node_modules"))
      .map((entry) => join(entry.parentPath, entry.name).slice(inside.length + 1));

  test("the program, its licence, its README and its schema; no sources, tests or maps", () => {
    const held = files();
    expect(held).toEqual(
      expect.arrayContaining([
        "LICENSE",
        "README.md",
        "package.json",
        "schema/sesta.schema.json",
        "dist/main.js",
        "dist/agent.js",
      ]),
    );
    expect(held.filter((path) => /\.ts$|\.map$|\.test\.|^(src|test|bench|scripts|\.)/.test(path))).toEqual(
      [],
    );
    expect(
      held.every((path) =>
        /^(dist|schema|docs\/reference)\/|^(LICENSE|README\.md|package\.json)$/.test(path),
      ),
    ).toBe(true);
  });

  test("nothing that says where it was made", () => {
    const places = [root, homedir() === "/root" ? "/root/" : homedir()];
    for (const path of files()) {
      const text = readFileSync(join(inside, path), "utf8");
      for (const place of places) expect([path, text.includes(place)]).toEqual([path, false]);
    }
  });

  test("it is small: nobody waits for it", () => {
    expect(statSync(tarball).size).toBeLessThan(2_000_000);
  });
});

describe("used with Node 24", { timeout: 300_000 }, () => {
  test("prints its version, and nothing else", () => {
    expect(sesta(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("init, plan, up, status, wake, sleep, down", () => {
    expect(sesta(["init", "lab"])).toMatchObject({ code: 0, stderr: "" });
    expect(sesta(["plan"])).toMatchObject({ code: 0, stderr: expect.stringContaining("notebook") as string });
    expect(sesta(["up", "-y"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("http://127.0.0.1:") as string,
    });
    const status = () =>
      (
        JSON.parse(sesta(["status", "--json"]).stdout) as {
          workloads: { state: string; pid: number | null }[];
        }
      ).workloads[0];
    expect(status()).toMatchObject({ state: "asleep" });
    expect(sesta(["wake", "notebook"])).toMatchObject({ code: 0 });
    expect(status()).toMatchObject({ state: "awake", pid: expect.any(Number) as number });
    expect(sesta(["sleep", "notebook"])).toMatchObject({ code: 0 });
    const down = sesta(["down", "-y"]);
    expect([down.code, down.stdout.includes(`remains  ${join(project, "notebook")}`)]).toEqual([0, true]);
    expect(status()).toMatchObject({ state: "absent", pid: null });
  });

  test.skipIf(missingSshd !== undefined)(
    "a job on a host over SSH: its files there, its output home",
    async () => {
      const place = join(folder, "ssh");
      mkdirSync(join(place, "project"), { recursive: true });
      const server = await startSshServer(place);
      const host = {
        name: "box",
        host: "127.0.0.1",
        port: server.port,
        user: userInfo().username,
        key: server.key,
      };
      writeFileSync(
        join(place, "project", "sesta.yaml"),
        `name: package
targets: { box: { type: ssh, hosts: [${JSON.stringify(host)}] } }
workloads: { copies: { type: job, target: box, run: cat in >out, fetch: [out] } }
`,
      );
      writeFileSync(join(place, "project", "in"), "here\n");
      try {
        const ran = sesta(["-C", join(place, "project"), "run", "copies", "-y"]);
        expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining("succeeded")]);
        expect(readFileSync(join(place, "project", "results", "copies", "out"), "utf8")).toBe("here\n");
        expect(sesta(["-C", join(place, "project"), "down", "-y"]).code).toBe(0);
      } finally {
        await server.end();
        await endAll(place);
      }
    },
  );

  test("no command prints a warning of Node", () => {
    for (const argv of [["status"], ["history"], ["plan"]]) expect(sesta(argv).stderr).not.toMatch(/Warning/);
  });
});

const olderNode = findOlderNode();
if (olderNode === undefined) console.log("skipped: there is no Node older than 24 on PATH");

test.skipIf(olderNode === undefined).each([[["--version"]], [["up", "-y"]], [[]]])(
  "an older Node says in one line what is needed: %j",
  (argv) => {
    const { code, stdout, stderr } = sesta(argv, olderNode);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^sesta needs Node 24 or later; this is Node \d+\.\d+\.\d+\.\n$/);
  },
);

function findOlderNode(): string | undefined {
  const candidates = (process.env["PATH"] ?? "").split(delimiter).map((place) => join(place, "node"));
  return candidates.find((node) => {
    const { stdout, status } = spawnSync(node, ["--version"], { encoding: "utf8" });
    return status === 0 && Number(/^v(\d+)/.exec(stdout)?.[1]) < 24;
  });
}
