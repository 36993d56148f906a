// Evidence of use against the real things: JupyterLab's kernels and terminals, a multiplexer, an OpenSSH server.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createEvidence, type Watched } from "../src/agent/evidence/evidence.ts";
import type { Evidence } from "../src/agent/idle.ts";
import { systemClock } from "../src/base/clock.ts";
import { findIdentity } from "../src/machine/identity.ts";
import { createLocalMachine } from "../src/machine/local.ts";
import { connectionMark } from "../src/machine/own-connection.ts";
import { findTree, listProcesses } from "../src/machine/process-table.ts";
import { strayMark } from "../src/machine/start-detached.ts";
import { buildLabLaunch } from "../src/workloads/lab/build-launch.ts";
import { until } from "./faults/support/processes.ts";
import { findMissingPackage } from "./support/debian-package.ts";
import { findLabEnvironment } from "./support/lab-environment.ts";
import { openKernelTab, openTerminalTab } from "./support/lab-tab.ts";
import { startLab, type RunningLab } from "./support/running-lab.ts";
import { findMissingSshd, startSshServer, type SshServer } from "./support/ssh-server.ts";

const environment = findLabEnvironment();
const missingLab = typeof environment === "string" ? environment : undefined;
if (missingLab !== undefined) console.warn(`skipped: ${missingLab}`);
const missingSshd =
  process.platform === "linux" ? findMissingSshd() : "Sesta reads sshd's processes on Linux";
if (missingSshd !== undefined) console.warn(`skipped: ${missingSshd}`);

const section = {
  type: "lab",
  name: "notebook",
  target: "local",
  idleMs: 60_000,
  maxAwakeMs: null,
  packages: [],
  workspace: "workspace",
} as const;
const launch = buildLabLaunch(section, []);
const startId = `evidence-test-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "sesta-evidence-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function watch(pid: number, address: Watched["address"], sessions: boolean) {
  const identity = await findIdentity(pid);
  if (!identity) throw new Error(`process ${pid} does not live`);
  const places = { environment: "", workspace: folder, disk: "kept", sessions } as const;
  const rule = sessions ? { ...launch, idle: { ...launch.idle, evidence: "none" as const } } : launch;
  const collect = createEvidence({ machine: createLocalMachine(process.env), clock: systemClock });
  return () => collect({ launch: rule, places, identity, startId, address });
}

const sources = (evidence: readonly Evidence[], at: "now" | "then") =>
  evidence.filter((one) => (one.at === "now") === (at === "now")).map(({ source }) => source);
const newest = (evidence: readonly Evidence[], source: string): number | undefined =>
  evidence
    .flatMap((one) => (one.source === source && one.at !== "now" ? [one.at] : []))
    .toSorted((a, b) => b - a)[0];
/** Asks a process to end that may have ended. */
const ask = (pid: number): void => {
  try {
    process.kill(pid, "SIGTERM");
  } catch {
    // it had
  }
};
/** Linux moves the access time of a terminal only when it enters another 8 seconds. */
const untilNextInputCounts = (tty: string) =>
  until(
    () => Math.floor(Date.now() / 8_000) > Math.floor(statSync(tty).atimeMs / 8_000) + 1,
    "the clock stands still",
  );

describe.skipIf(missingLab !== undefined)("a running lab", { timeout: 120_000 }, () => {
  let lab: RunningLab;
  let collect: () => Promise<Evidence[]>;

  beforeAll(async () => {
    const { path } = environment as Exclude<typeof environment, string>;
    lab = await startLab(launch, { environment: path, folder, env: { [strayMark]: startId } });
    expect(await lab.answering(), lab.log()).toBe(true);
    const headers = { authorization: `token ${lab.token}` };
    collect = await watch(lab.child.pid ?? 0, () => ({ host: "127.0.0.1", port: lab.port, headers }), false);
  });
  afterAll(async () => {
    await lab?.request("/api/shutdown", { method: "POST" }).catch(() => undefined);
    lab?.child.kill("SIGTERM");
    await lab?.ended;
  });
  const post = async (path: string, body: object) =>
    (await lab.request(path, { method: "POST", body: JSON.stringify(body) })).json() as Promise<
      Record<string, unknown>
    >;

  async function startKernel(name: string): Promise<{ id: string; end: () => Promise<unknown> }> {
    const kernel = { name: "python3" };
    const session = await post("/api/sessions", { path: name, name, type: "notebook", kernel });
    const { id } = session["kernel"] as { id: string };
    return { id, end: () => lab.request(`/api/sessions/${String(session["id"])}`, { method: "DELETE" }) };
  }

  test("a silent cell is use for its whole length, also with its tab closed, and its end is when it ended", async () => {
    const kernel = await startKernel("train.ipynb");
    const tab = await openKernelTab(lab, kernel.id);
    const began = Date.now();
    const cell = tab.execute("import os, time\nwhile not os.path.exists('go'): time.sleep(0.05)");
    await tab.answer(cell, "status", "busy");
    const busy = "a kernel is busy (train.ipynb)";
    await until(async () => sources(await collect(), "now").includes(busy), "the kernel is not seen as busy");
    tab.drop();
    for (let look = 0; look < 5; look++) expect(sources(await collect(), "now")).toEqual([busy]);
    const letGo = Date.now();
    writeFileSync(join(lab.workspace, "go"), "");
    await until(async () => sources(await collect(), "now").length === 0, "the kernel stays busy");
    const ended = newest(await collect(), "a kernel was used (train.ipynb)");
    expect(ended).toBeGreaterThanOrEqual(letGo);
    expect(ended).toBeGreaterThan(began);
    await kernel.end();
  });

  test("a cell goes on while a widget is answered beside it, and a restart of its kernel ends it", async () => {
    const kernel = await startKernel("widgets.ipynb");
    const tab = await openKernelTab(lab, kernel.id);
    const cell = tab.execute("import time\nwhile True: time.sleep(0.05)");
    await tab.answer(cell, "status", "busy");
    const made = await tab.answer(
      tab.send("create_subshell_request", {}, "control"),
      "create_subshell_reply",
    );
    const subshell = { subshell_id: made.content["subshell_id"] };
    await tab.answer(tab.execute("1 + 1", subshell), "status", "idle");
    const busy = "a kernel is busy (widgets.ipynb)";
    for (let look = 0; look < 5; look++) expect(sources(await collect(), "now")).toEqual([busy]);
    await post(`/api/kernels/${kernel.id}/restart`, {});
    await until(async () => sources(await collect(), "now").length === 0, "the kernel stays busy");
    tab.drop();
    await kernel.end();
  });

  test("a cell that lasts a moment between two looks is seen by the time it leaves", async () => {
    const kernel = await startKernel("short.ipynb");
    const tab = await openKernelTab(lab, kernel.id);
    const before = newest(await collect(), "a kernel was used (short.ipynb)");
    const asked = Date.now();
    const cell = tab.execute("1 + 1");
    await tab.answer(cell, "status", "idle");
    const seen = await until(async () => {
      const at = newest(await collect(), "a kernel was used (short.ipynb)");
      return at !== before && at;
    }, "the cell was not seen");
    expect(seen).toBeGreaterThanOrEqual(asked);
    tab.drop();
    await kernel.end();
  });

  test("what an open tab does by itself is no use: connecting again, its questions, its polling", async () => {
    const kernel = await startKernel("open.ipynb");
    let tab = await openKernelTab(lab, kernel.id);
    await tab.answer(tab.execute("1"), "status", "idle");
    const look = async () => newest(await collect(), "a kernel was used (open.ipynb)");
    const quiet = await until(look, "no use at all");
    for (let round = 0; round < 3; round++) {
      tab.drop();
      tab = await openKernelTab(lab, kernel.id);
      const id = tab.send("comm_info_request", { target_name: "jupyter.widget" });
      await tab.answer(id, "comm_info_reply");
      for (const path of ["kernels", "sessions", "terminals", "kernelspecs", "status", "contents", "me"])
        await (await lab.request(`/api/${path}`)).text();
    }
    // A message that does count, sent last, shows that those before it were not merely late.
    const before = await look();
    expect(before).toBe(quiet);
    await tab.answer(tab.execute("2"), "status", "idle");
    await until(async () => (await look()) !== quiet, "the cell was not seen");
    tab.drop();
    await kernel.end();
  });

  test("a kernel that a program began and nobody connected to keeps nothing awake", async () => {
    const kernel = await startKernel("unused.ipynb");
    expect(sources(await collect(), "now")).toEqual([]);
    await kernel.end();
  });

  describe.skipIf(process.platform !== "linux")("its terminals", () => {
    type Tab = Awaited<ReturnType<typeof openTerminalTab>>;
    let tab: Tab;
    let name: string;
    let tty: string;
    const inTerminal = "somebody typed in a terminal";

    /** What it prints shows that the shell has read and done it. */
    async function typed(command: string): Promise<string> {
      const out = join(folder, "typed");
      rmSync(out, { force: true });
      tab.type(` ${command} >${out}.new 2>&1; mv ${out}.new ${out}\r`);
      await until(() => existsSync(out), `the shell does not do: ${command}`);
      return readFileSync(out, "utf8").trim();
    }
    /** What is typed while a shell starts may be lost: it is typed until it is done. */
    async function untilReady(): Promise<void> {
      const out = join(folder, "ready");
      rmSync(out, { force: true });
      let waited = 0;
      await until(() => {
        if (waited++ % 50 === 0) tab.type(` touch ${out}\r`);
        return existsSync(out);
      }, "the shell does not answer");
    }
    const running = async () => sources(await collect(), "now");

    beforeAll(async () => {
      name = String((await post("/api/terminals", {}))["name"]);
      tab = await openTerminalTab(lab, name);
      tty = await typed("tty");
    });
    afterAll(() => lab.request(`/api/terminals/${name}`, { method: "DELETE" }));

    test("an idle shell is no use, nor is its tab: open, connecting again, resized, with output from the background", async () => {
      await typed(
        `{ while [ ! -e ${folder}/speak ]; do sleep 0.1; done; echo hello; touch ${folder}/spoke; } & true`,
      );
      await until(async () => (await running()).length === 0, "the shell is not seen as idle");
      const before = newest(await collect(), inTerminal);
      await untilNextInputCounts(tty);
      for (let round = 0; round < 3; round++) {
        tab.drop();
        tab = await openTerminalTab(lab, name);
        tab.resize(30 + round, 100);
      }
      writeFileSync(join(folder, "speak"), "");
      await until(() => existsSync(join(folder, "spoke")), "the job in the background does not speak");
      await until(() => tab.printed().includes("hello"), "its output does not arrive");
      expect([await running(), newest(await collect(), inTerminal)]).toEqual([[], before]);
    });

    test("what somebody types is use when it is read", async () => {
      const before = newest(await collect(), inTerminal) ?? Infinity;
      await untilNextInputCounts(tty);
      tab.type("\r");
      const after = await until(async () => {
        const at = newest(await collect(), inTerminal) ?? 0;
        return at > before ? at : undefined;
      }, "typing was not seen");
      expect(Math.abs(Date.now() - after)).toBeLessThan(60_000);
    });

    test("a program in the foreground is use while it runs; a shell within the shell is not; a job in the background is not", async () => {
      tab.type(" sleep 1000\r");
      await until(
        async () => (await running()).includes("a program runs in a terminal (sleep)"),
        "the program is not seen",
      );
      tab.drop();
      expect(await running()).toEqual(["a program runs in a terminal (sleep)"]);
      tab = await openTerminalTab(lab, name);
      tab.type("\u0003");
      await until(async () => (await running()).length === 0, "the program is still seen");
      tab.type(" bash --norc -i\r");
      await untilReady();
      expect(await running()).toEqual([]);
      tab.type(" sleep 1000 &\r");
      await typed("true");
      expect(await running()).toEqual([]);
      await typed("kill %1; true");
      tab.type(" exit\r");
      await untilReady();
    });

    const noTmux = findMissingPackage("tmux", () => spawnSync("tmux", ["-V"]).status === 0);
    if (noTmux !== undefined) console.warn(`skipped: ${noTmux}`);
    test.skipIf(noTmux !== undefined)(
      "what runs in tmux is seen, attached or not; its idle windows are no use",
      async () => {
        const tmux = `tmux -L ${startId} -f /dev/null`;
        await typed(`${tmux} new-session -d 'exec sleep 1000'`);
        await until(
          async () => (await running()).includes("a program runs in a terminal (sleep)"),
          "the program in tmux is not seen",
        );
        await typed(`${tmux} new-window 'exec bash --norc -i'`);
        await typed(`${tmux} kill-window -t 0`);
        await until(async () => (await running()).length === 0, "an idle window is taken for a program");
        tab.type(` ${tmux} attach\r`);
        await until(
          async () => (await listProcesses()).some((row) => row.tty === tty && row.name === "tmux: client"),
          "tmux does not attach",
        );
        expect(await running()).toEqual([]);
        spawnSync("tmux", ["-L", startId, "kill-server"]);
      },
    );
  });
});

describe.skipIf(missingSshd !== undefined)("people's SSH sessions", { timeout: 120_000 }, () => {
  let server: SshServer;
  let workload: ChildProcess | undefined;
  let collectAll: () => Promise<Evidence[]>;
  const clients: ChildProcess[] = [];
  const place = mkdtempSync(join(tmpdir(), "sesta-ssh-"));
  const program = join(place, "training");

  beforeAll(async () => {
    copyFileSync("/bin/sleep", program);
    server = await startSshServer(place);
    const nowhere = () => ({ host: "127.0.0.1", port: 1, headers: {} });
    workload = spawn("sleep", ["1000"], { stdio: "ignore" });
    collectAll = await watch(workload.pid ?? 0, nowhere, true);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) {
      if (client.exitCode === null && client.signalCode === null) {
        client.kill("SIGKILL");
        await once(client, "close");
      }
    }
    for (const { pid } of await below()) ask(pid);
    await until(async () => (await below()).length === 0, "a session stays");
  });
  afterAll(async () => {
    await server?.end();
    workload?.kill("SIGKILL");
    rmSync(place, { recursive: true, force: true });
  });
  /** Processes of this server's sessions. */
  const below = async () => {
    const rows = await listProcesses();
    const tree = findTree(rows, server.pid);
    return rows.filter(({ pid }) => tree.has(pid) && pid !== server.pid);
  };
  /** Other terminals of this machine may be in use too: only this server's sessions are looked at. */
  const collect = async (): Promise<Evidence[]> => {
    const rows = await below();
    const mine = new Set(rows.flatMap(({ pid, tty }) => [`ssh ${pid}`, `program ${tty}`, `input ${tty}`]));
    return (await collectAll()).filter(({ key = "" }) => mine.has(key));
  };
  function connect(options: readonly string[], command: readonly string[]): ChildProcess {
    const client = server.connect(options, command);
    clients.push(client);
    return client;
  }
  const untilRuns = (wanted: string) =>
    until(
      async () => (await below()).some(({ name }) => name === wanted),
      () => `no ${wanted}: ${server.log()}`,
    );

  test("a login with an idle shell is no use but for what is typed; a program in it is", async () => {
    const client = connect(["-tt"], ["exec bash --norc --noprofile -i"]);
    await untilRuns("bash");
    await until(async () => sources(await collect(), "now").length === 0, "an idle shell is taken for use");
    expect(sources(await collect(), "then")).toEqual(["somebody typed in an SSH session"]);
    client.stdin?.write(`${program} 1000\n`);
    await until(
      async () => sources(await collect(), "now").includes("a program runs in an SSH session (training)"),
      "the program is not seen",
    );
  });

  test("a command without a terminal is use while it runs", async () => {
    const client = connect([], [`cd / && ${program} 1000; true`]);
    await untilRuns("training");
    expect(sources(await collect(), "now")).toEqual(["a program runs over SSH (training)"]);
    for (const row of await below()) if (row.name === "training") ask(row.pid);
    await once(client, "close");
    await until(async () => sources(await collect(), "now").length === 0, "an ended command is use");
  });

  test("Sesta's own connections, and a connection without a command, are no use", async () => {
    connect([], [`env ${connectionMark}=1 ${program} 1000`]);
    connect([], [`cd / && env ${connectionMark}=1 ${program} 1001; true`]);
    connect(["-N"], []);
    await until(
      async () => (await below()).filter(({ name }) => name === "training").length === 2,
      () => `the commands do not run: ${server.log()}`,
    );
    await until(() => server.log().split("Accepted publickey").length > 3, "the third does not connect");
    expect(await collect()).toEqual([]);
  });
});
