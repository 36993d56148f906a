// A lab's real environment and the real JupyterLab in it, started as its launch says.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { findUserInstall, uvVariables } from "../src/commands/uv.ts";
import { buildLabLaunch } from "../src/workloads/lab/build-launch.ts";
import { findLabEnvironment } from "./support/lab-environment.ts";
import { listProcesses, startLab, type RunningLab } from "./support/running-lab.ts";

const environment = findLabEnvironment();
const missing = typeof environment === "string" ? environment : undefined;
if (missing !== undefined) console.warn(`skipped: ${missing}`);
const { uv, path, lockFile } =
  typeof environment === "string" ? { uv: "", path: "", lockFile: "" } : environment;

const launch = buildLabLaunch(
  {
    type: "lab",
    name: "notebook",
    target: "local",
    idleMs: null,
    maxAwakeMs: null,
    packages: [],
    python: "3.12",
    workspace: "workspace",
  },
  [],
);

const folders: string[] = [];
const labs: RunningLab[] = [];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sesta-lab-"));
  folders.push(folder);
  return folder;
}

type More = { port?: number; env?: NodeJS.ProcessEnv };

async function start(folder: string, more: More = {}, what = launch): Promise<RunningLab> {
  const lab = await startLab(what, { environment: path, folder, ...more });
  labs.push(lab);
  return lab;
}

async function end(lab: RunningLab): Promise<void> {
  lab.child.kill("SIGKILL");
  await lab.ended;
}

afterAll(async () => {
  for (const lab of labs) await end(lab);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(missing !== undefined)("a running lab", { timeout: 120_000 }, () => {
  let lab: RunningLab;

  beforeAll(async () => {
    const env = {
      JUPYTER_TOKEN: "outer-token",
      JUPYTER_CONFIG_PATH: "/outer",
      JUPYTER_GATEWAY_URL: "http://127.0.0.1:9/",
      JUPYTERHUB_API_TOKEN: "hub-token",
    };
    lab = await start(newFolder(), { env });
    expect(await lab.answering()).toBe(true);
  }, 120_000);

  test("T4: a kernel runs code and inherits neither the token nor another Jupyter's variables", async () => {
    const printed = await lab.runCell(
      "import os, sys, json; print(json.dumps([dict(os.environ), sys.prefix, 6 * 7]))",
    );
    const [env, prefix, answer] = JSON.parse(printed) as [Record<string, string>, string, number];
    expect([prefix, answer]).toEqual([path, 42]);
    expect(env["PATH"]?.split(":")[0]).toBe(join(path, "bin"));
    const text = JSON.stringify(env);
    for (const secret of [lab.token, join(lab.runtime, "token"), "outer-token", "hub-token", "GATEWAY"]) {
      expect(text).not.toContain(secret);
    }
    expect(
      Object.keys(env)
        .filter((name) => name.startsWith("JUPYTER"))
        .toSorted(),
    ).toEqual(["JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"]);
  });

  test.runIf(process.platform === "linux")("T4: the token is in no command line and no environment", () => {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
    expect(listProcesses(lab.token, pids)).toEqual([]);
    expect(listProcesses(lab.runtime, pids)).toContain(String(lab.child.pid));
  });

  test("T1: nobody comes in without the token in the header, and there is no page to log in at", async () => {
    for (const authorization of ["", "token wrong", "Basic Og=="]) {
      for (const url of [
        "/api/kernels",
        "/api/contents",
        "/files/x",
        `/api/status?token=${lab.token}`,
        `/lab?token=${lab.token}`,
      ]) {
        const { status } = await lab.request(url, { headers: { authorization } });
        expect([url, status]).toEqual([url, url.startsWith("/api") ? 403 : 302]);
      }
      expect((await lab.request("/login", { headers: { authorization } })).status).toBe(302);
    }
    expect((await lab.request("/login")).status).toBe(404);
    expect((await lab.request("/logout")).status).toBe(404);
    for (const url of [
      "terminals/websocket/1",
      "lsp/ws/pylsp",
      `api/kernels/${randomUUID()}/channels`,
      "api/events/subscribe",
    ]) {
      const socket = new WebSocket(`ws://127.0.0.1:${lab.port}/${url}`);
      const [error] = (await once(socket, "error")) as [Error];
      expect([url, error.message]).toEqual([url, expect.stringMatching(/response: (302|40[34])$/)]);
    }
  });

  test("T7: what the front door lets through works with any Host, Origin and foreign cookies", async () => {
    const headers = {
      host: "lab.example:8471",
      origin: "http://lab.example:8471",
      cookie: "_xsrf=2|aaaa|bbbb|1; username-lab-example-8471=2|1:0|10:1|x; username-127-0-0-1=gone",
    };
    expect((await lab.request("/lab", { headers })).status).toBe(200);
    const made = await lab.request("/api/contents", {
      method: "POST",
      headers,
      body: JSON.stringify({ type: "notebook" }),
    });
    expect(made.status).toBe(201);
    expect(existsSync(join(lab.workspace, "Untitled.ipynb"))).toBe(true);
    const removed = await lab.request("/api/contents/Untitled.ipynb", { method: "DELETE", headers });
    expect(removed.status).toBe(204);
  });

  test("what people expect is there: terminals, settings, language servers, export", async () => {
    const json = async (url: string, init?: RequestInit) =>
      (await lab.request(url, init)).json() as Promise<Record<string, unknown>>;
    expect(await json("/api/terminals", { method: "POST" })).toHaveProperty("name");
    const setting = "/lab/api/settings/@jupyterlab/apputils-extension:themes";
    const put = await lab.request(setting, {
      method: "PUT",
      body: JSON.stringify({ raw: '{"theme": "JupyterLab Dark"}' }),
    });
    expect(put.status).toBe(204);
    const kept = join(
      lab.keep,
      "jupyter/lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings",
    );
    expect(readFileSync(kept, "utf8")).toContain("JupyterLab Dark");
    expect((await lab.request("/lsp/status")).status).toBe(200);
    const page = await (await lab.request("/lab")).text();
    expect(page).toMatch(/"buildCheck": false/);
    expect(page).toMatch(/"news": \{"disabled": true\}/);

    const cells = [{ cell_type: "markdown", id: "a", metadata: {}, source: "exported" }];
    writeFileSync(
      join(lab.workspace, "a.ipynb"),
      JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }),
    );
    const exported = await (await lab.request("/nbconvert/html/a.ipynb")).text();
    expect(exported).toContain("<p>exported</p>");
    const { status } = spawnSync(join(path, "bin/jupyter"), ["nbconvert", "--to", "script", "a.ipynb"], {
      cwd: lab.workspace,
    });
    expect([
      status,
      existsSync(join(lab.workspace, "a.txt")) || existsSync(join(lab.workspace, "a.py")),
    ]).toEqual([0, true]);
  });

  test("T4: what it writes is for its owner only, and its log holds no token", () => {
    for (const name of readdirSync(lab.runtime)) {
      if (readFileSync(join(lab.runtime, name), "utf8").includes(lab.token)) {
        expect([name, statSync(join(lab.runtime, name)).mode & 0o077]).toEqual([name, 0]);
      }
    }
    expect(lab.log()).not.toContain(lab.token);
  });

  test("asked to, it ends its kernels and terminals and then itself", async () => {
    const printed = await lab.runCell("import os; print(os.getpid())");
    expect(() => process.kill(Number(printed), 0)).not.toThrow();
    expect((await lab.request(launch.process.stopPath ?? "", { method: "POST" })).status).toBe(200);
    expect(await lab.ended).toBe(0);
    expect(() => process.kill(Number(printed), 0)).toThrow(/ESRCH/);
    if (process.platform === "linux") {
      const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
      expect(listProcesses(lab.runtime, pids)).toEqual([]);
    }
    expect(lab.log()).not.toContain(lab.token);
  });
});

describe.skipIf(missing !== undefined)("a lab that is not left alone", { timeout: 120_000 }, () => {
  afterEach(async () => {
    for (const lab of labs) await end(lab);
  });

  test("asked to end while a request waits for a thread, it ends by itself all the same", async () => {
    const lab = await start(newFolder());
    expect(await lab.answering()).toBe(true);
    const asked = lab.request("/api/nbconvert").catch(() => undefined); // imports for half a second, in a thread
    await delay(50);
    expect((await lab.request(launch.process.stopPath ?? "", { method: "POST" })).status).toBe(200);
    expect(await lab.ended).toBe(0);
    await asked;
  });

  test("T10: nothing in the workspace is run by the server", async () => {
    const folder = newFolder();
    mkdirSync(join(folder, "workspace/.jupyter"), { recursive: true });
    const canary = join(folder, "canary");
    for (const name of [
      "jupyter_server_config.py",
      "jupyter_config.py",
      ".jupyter/jupyter_server_config.py",
      "jupyterlab.py",
      "json.py",
    ]) {
      writeFileSync(join(folder, "workspace", name), `open(${JSON.stringify(canary)}, "w")`);
    }
    expect(await (await start(folder)).answering()).toBe(true);
    expect(existsSync(canary)).toBe(false);
  });

  test("configuration of the machine cannot open it", async () => {
    const folder = newFolder();
    mkdirSync(join(folder, "keep/jupyter"), { recursive: true });
    const open = [
      "c.ServerApp.ip = c.ServerApp.custom_display_url = '0.0.0.0'",
      "c.ServerApp.token = c.IdentityProvider.token = ''",
      "c.ServerApp.password = c.PasswordIdentityProvider.hashed_password = 'argon2:x'",
      "c.ServerApp.identity_provider_class = 'jupyter_server.auth.identity.PasswordIdentityProvider'",
      "c.ServerApp.allow_unauthenticated_access = True",
      "c.ServerApp.base_url = '/elsewhere/'",
      "c.ServerApp.port_retries = 50",
    ].join("\n");
    for (const name of ["jupyter_config.py", "jupyter_server_config.py", "jupyter_lab_config.py"]) {
      writeFileSync(join(folder, "keep/jupyter", name), open);
    }
    const lab = await start(folder);
    expect(await lab.answering()).toBe(true);
    expect((await lab.request("/api/kernels", { headers: { authorization: "" } })).status).toBe(403);
    if (process.platform !== "linux") return; // elsewhere 127.0.0.2 does not exist
    const wildcard = createServer().listen(lab.port, "127.0.0.2");
    await once(wildcard, "listening"); // fails if the lab holds every address
    wildcard.close();
  });

  test("F14: on a taken port it ends, and nothing says that it was bound", async () => {
    let asked = 0;
    const squatter = createServer(() => (asked += 1)).listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const address = squatter.address();
    const lab = await start(newFolder(), {
      port: address !== null && typeof address === "object" ? address.port : 0,
    });
    expect(await lab.answering()).toBe(false);
    expect(await lab.ended).toBe(1);
    expect(readdirSync(lab.runtime).filter((name) => name.startsWith("bound-"))).toEqual([]);
    expect(asked).toBe(0);
    squatter.close();
  });

  test("F14: a port that is taken after Jupyter tried it is not taken for bound", async () => {
    const text = launch.process.files["launch.py"] ?? "";
    const squat = "import socket; s = socket.socket(); s.bind(('127.0.0.1', int(port))); s.listen()";
    const squatted = text.replace("    server.start()\n", `    ${squat}\n    server.start()\n`);
    expect(squatted).not.toBe(text);
    const lab = await start(
      newFolder(),
      {},
      { ...launch, process: { ...launch.process, files: { "launch.py": squatted } } },
    );
    expect(await lab.answering()).toBe(false);
    expect(await lab.ended).toBe(1);
    // Jupyter's own file would have said that it listens.
    expect(readdirSync(lab.runtime).filter((name) => /^(bound|jpserver)-/.test(name))).toEqual([
      `jpserver-${lab.child.pid}.json`,
    ]);
  });
});

test.skipIf(missing !== undefined)(
  "a package that contradicts a pin is refused with both named",
  { timeout: 60_000 },
  () => {
    const [program = "", ...operands] =
      findUserInstall(uv, path, lockFile, { packages: ["tornado<6"] }) ?? [];
    const ran = spawnSync(program, [...operands], {
      env: { ...process.env, ...uvVariables },
      encoding: "utf8",
    });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/you require tornado<6 and tornado==6/);
  },
);
