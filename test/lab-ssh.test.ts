// A lab on a host over SSH, by the command line alone: a real sshd, the real JupyterLab, a git repository with a token.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openKernel } from "../examples/demo/kernel.ts";
import { printed } from "../examples/demo/notebook.ts";
import { logIn, type Visitor } from "../examples/demo/visitor.ts";
import type { Change } from "../src/model/status.ts";
import { ask } from "./support/ask.ts";
import { endAll, killHard, listLiving, lives, until } from "./faults/support/processes.ts";
import { findMissingLab } from "./support/example-project.ts";
import { createGitRemote, type GitRemote } from "./support/git-remote.ts";
import { createScratchProject, type ScratchProject } from "./support/scratch-project.ts";
import { findMissingSshd, startSshServer, type SshServer } from "./support/ssh-server.ts";
import { packageVariables } from "./support/ssh-target.ts";

const missing = findMissingLab() || (findMissingSshd() ?? "");
if (missing !== "") console.warn(`lab-ssh.test.ts is skipped: ${missing}`);

const token = "git-token-canary-77aa";

describe.skipIf(missing !== "")("a lab on a host over SSH", { timeout: 240_000 }, () => {
  let folder: string;
  let server: SshServer;
  let remote: GitRemote;
  let project: ScratchProject;
  let workspace: string;

  const listMasters = () => listLiving(join(project.folder, ".sesta", "ssh-"));
  const must = async (argv: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const ran = await project.sesta(argv, env);
    if (ran.code !== 0) throw new Error(`sesta ${argv.join(" ")}: ${ran.stderr}`);
    return ran;
  };
  const untilState = (state: string) => project.until("notebook", (one) => one.state === state);
  const start = async () => {
    const { gateway } = await project.status();
    return ask(`${gateway.url}/v1/start?pass=${project.password}`);
  };
  const enter = async (): Promise<Visitor> => {
    const { url } = await project.workload("notebook");
    return logIn(url ?? "", project.password);
  };
  const answers = (visitor: Visitor) =>
    visitor.request("/api/status").then(
      () => true,
      () => false,
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sesta-lab-ssh-"));
    remote = await createGitRemote("http", folder, token);
    server = await startSshServer(folder, { variables: packageVariables() });
    const host = `{ name: box, host: 127.0.0.1, port: ${server.port}, user: ${userInfo().username}, key: ${server.key} }`;
    project = await createScratchProject(
      [
        "name: far",
        "target: box",
        "targets:",
        `  box: { type: ssh, hosts: [${host}] }`,
        "secrets:",
        "  team_pass: { env: TEAM_PASS }",
        "  git_token: { env: GIT_TOKEN }",
        "workloads:",
        "  notebook:",
        "    type: lab",
        "    password: ${secret.team_pass}",
        "    idle: never",
        `    save: { repo: ${remote.url}, branch: main, token: "\${secret.git_token}" }`,
        "",
      ].join("\n"),
    );
    workspace = join(server.home, "sesta", "far", "notebook");
  }, 60_000);
  afterAll(async () => {
    if (missing !== "") return;
    await project?.end();
    await endAll(folder);
    await remote.stop();
    await server.end();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }, 120_000);

  test("T9: a first key is asked about: without an answer nothing is done, and the plan says what to do", async () => {
    const { code, stderr } = await project.sesta(["up"], { GIT_TOKEN: token });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/SHA256:[^]*-y/)]);
    expect((await project.sesta(["plan"], { GIT_TOKEN: token })).stderr).toContain("sesta up");
    expect(existsSync(join(server.home, ".sesta"))).toBe(false);
  });

  test("up: everything of it is in the user's home on the host, and asleep", async () => {
    const { stderr } = await must(["up", "-y"], { GIT_TOKEN: token });
    expect(stderr).toContain(join(server.home, ".sesta"));
    expect(await project.workload("notebook")).toMatchObject({
      target: "box",
      state: "asleep",
      agent_pid: expect.any(Number) as number,
    });
    expect(existsSync(workspace)).toBe(true);
    expect((await must(["up", "-y"], { GIT_TOKEN: token })).stderr).toContain("Nothing to change");
  });

  test("its address wakes it, a kernel runs through its door, and what is written is saved by itself", async () => {
    expect(await start()).toMatchObject({
      status: 200,
      body: expect.stringContaining("will start") as string,
    });
    await untilState("awake");
    await until(async () => (await start()).body.includes("already running"), "the gateway has no address");
    const visitor = await enter();
    const kernel = await openKernel(visitor, "a.ipynb");
    const code = 'import os\nopen("made.txt", "w").write("far away")\nprint(os.getcwd(), 6 * 7)';
    expect(printed(await kernel.execute(code))).toBe(`${workspace} 42\n`);
    kernel.close();
    await until(() => remote.tip("main") !== undefined, "nothing was saved");
    await until(
      () => remote.git("ls-tree", "--name-only", "main").includes("made.txt"),
      "made.txt was not saved",
    );
  });

  test("T4: neither token nor password is in a file of the host, nor in the list of processes", () => {
    const canaries = [token, project.password];
    for (const canary of canaries) {
      expect(listLiving(canary)).toEqual([]);
      expect(grepFolder(join(server.home, ".sesta", "projects"), canary)).toEqual([]);
    }
  });

  test("`why`, `logs` and `history` answer as they do for a lab of this machine", async () => {
    expect((await must(["why", "notebook"])).stdout).toMatch(/awake/);
    expect((await must(["logs", "notebook"])).stdout).toContain("Jupyter");
    const inside = await must(["exec", "notebook", "--", "sh", "-c", "pwd; command -v python"]);
    expect(inside.stdout).toMatch(new RegExp(`^${workspace}\n.*/.sesta/projects/far/environments/`));
    const { events } = JSON.parse((await must(["history", "--json"])).stdout) as { events: Change[] };
    expect(events.map(({ to }) => to)).toEqual(["asleep", "waking", "awake"]);
  });

  test("F14: the connection is killed: lab and agent do not notice, and the gateway finds both again", async () => {
    const before = await project.workload("notebook");
    const visitor = await enter();
    const kernel = await openKernel(visitor, "b.ipynb");
    await kernel.execute("kept = 41");
    expect(listMasters().length).toBeGreaterThan(0);
    for (const pid of listMasters()) await killHard(pid).catch(() => undefined);
    await until(() => answers(visitor), "the door stays dead");
    const { pid, agent_pid } = await project.workload("notebook");
    expect([pid, agent_pid]).toEqual([before.pid, before.agent_pid]);
    const again = await openKernel(visitor, "b.ipynb"); // the session of this notebook goes on
    expect(printed(await again.execute("print(kept + 1)"))).toBe("42\n");
    again.close();
  });

  test("F1: the gateway is killed: the lab goes on, and `up` brings the door back", async () => {
    const { gateway } = await project.status();
    const before = await project.workload("notebook");
    await killHard(gateway.pid ?? 0);
    await must(["up", "-y"], { GIT_TOKEN: token });
    const visitor = await enter();
    await until(() => answers(visitor), "the door stays dead");
    expect(await project.workload("notebook")).toMatchObject({ state: "awake", pid: before.pid });
  });

  test("F2: the agent is killed: the gateway starts it again, and it adopts the lab", async () => {
    const before = await project.workload("notebook");
    await killHard(before.agent_pid ?? 0);
    await until(async () => {
      const { agent_pid, pid, state } = await project.workload("notebook");
      return agent_pid !== before.agent_pid && pid === before.pid && state === "awake";
    }, "the lab was not adopted");
  });

  test("sleep, and wake again by the command line, with the files as they were", async () => {
    await must(["sleep", "notebook"]);
    expect(await project.workload("notebook")).toMatchObject({ state: "asleep", pid: null });
    await must(["wake", "notebook"]);
    const visitor = await enter();
    await until(() => answers(visitor), "the door stays shut");
    expect(await (await visitor.request("/files/made.txt")).text()).toBe("far away");
  });

  test("restore: into a folder on the host, beside the workspace", async () => {
    writeFileSync(join(workspace, "made.txt"), "changed");
    const { stdout } = await must(["restore", "notebook", "--at", "1s", "--to", "before"], {
      GIT_TOKEN: token,
    });
    expect(stdout).toContain(join(server.home, "sesta", "far", "before"));
    expect(existsSync(join(server.home, "sesta", "far", "before", "made.txt"))).toBe(true);
  });

  test("a host that is away: said of it alone, shown on its page; back again, all is as it was", async () => {
    const { pid } = await project.workload("notebook");
    const connections = listChildren(server.pid);
    expect(connections.length).toBeGreaterThan(0);
    await server.end();
    for (const one of connections) await killHard(one).catch(() => undefined);
    expect(await project.workload("notebook")).toMatchObject({
      state: "failed", // it was awake when it was last heard of
      pid: null,
      why: expect.stringMatching(/^Nothing is known of it: box cannot be reached/) as string,
    });
    await until(
      async () => /box cannot be reached/.test((await start()).body),
      "the gateway does not say so",
    );
    expect(lives(pid ?? 0)).toBe(true);
    server = await startSshServer(folder, { variables: packageVariables(), port: server.port });
    await must(["status"]);
    await until(async () => (await start()).body.includes("already running"), "the gateway stays without it");
    expect(await project.workload("notebook")).toMatchObject({ state: "awake", pid });
  });

  test("T9: another key is a hard stop, and names both", async () => {
    const pinned = join(project.folder, ".sesta", "known_hosts");
    const before = readFileSync(pinned, "utf8");
    const other = join(folder, "other");
    mkdirSync(other);
    const wrong = await startSshServer(other);
    writeFileSync(
      pinned,
      `box ${readFileSync(`${wrong.hostKey}.pub`, "utf8").split(" ").slice(0, 2).join(" ")}\n`,
    );
    await wrong.end();
    // Only now: the gateway makes a new connection as soon as one is gone.
    for (const one of listMasters()) await killHard(one).catch(() => undefined);
    const { code, stderr } = await project.sesta(["up", "-y"], { GIT_TOKEN: token });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/another key[^]*pinned: SHA256:[^]*shown: SHA256:/),
    ]);
    writeFileSync(pinned, before);
  });

  test("down: the receipt is true, what people made stays, and nothing of it runs", async () => {
    const { stdout } = await must(["down", "-y"]);
    expect(stdout).toMatch(new RegExp(`gone[^]*remains\\s+${workspace}`));
    expect(existsSync(join(workspace, "made.txt"))).toBe(true);
    await until(() => listLiving(join(server.home, ".sesta", "projects")).length === 0, "something runs on");
  });
});

function listChildren(parent: number): number[] {
  const { stdout } = spawnSync("ps", ["-o", "pid=", "--ppid", String(parent)], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => (line.trim() === "" ? [] : [Number(line)]));
}

function grepFolder(folder: string, text: string): string[] {
  const { stdout } = spawnSync("grep", ["-rlF", "--", text, folder], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line !== "");
}
