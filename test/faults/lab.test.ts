// A real lab with a running kernel while gateway, agent and Jupyter itself are killed, and while its password changes.
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { systemClock } from "../../src/base/clock.ts";
import { connectAgent } from "../../src/machine/local-agent.ts";
import { findLabEnvironment } from "../support/lab-environment.ts";
import { createScratchProject, type ScratchProject } from "../support/scratch-project.ts";
import { agentCommand } from "./support/agent-rig.ts";
import { killHard, listLiving, lives, until } from "./support/processes.ts";
import { fetchFrom, logIn } from "./support/stub-project.ts";

const environment = findLabEnvironment();
const missing = typeof environment === "string" ? environment : undefined;
if (missing !== undefined) process.stderr.write(`skipped: ${missing}\n`);

const yaml = `name: fault-lab
secrets: { team_pass: { env: TEAM_PASS } }
workloads:
  notebook: { type: lab, password: "\${secret.team_pass}", idle: never }
`;

describe.skipIf(missing !== undefined)("a lab with a kernel", { timeout: 180_000 }, () => {
  let project: ScratchProject;
  let door = "";

  const agent = () =>
    connectAgent(
      { home: join(project.folder, ".sesta", "agent"), command: agentCommand, env: process.env },
      systemClock,
    );
  const kernels = () =>
    listLiving(join(project.folder, ".sesta", "agent", "run")).filter((pid) => !jupyters().includes(pid));
  const jupyters = () =>
    listLiving(join(project.folder, ".sesta", "agent", "run")).filter((pid) =>
      listLiving("launch.py").includes(pid),
    );
  const awake = () => project.until("notebook", ({ state }) => state === "awake");

  async function ask(path: string, method = "GET") {
    const address = await agent().call("door", { name: "notebook" });
    if (!address) throw new Error("the lab is not awake");
    return fetchFrom(`http://${address.host}:${address.port}${path}`, {
      method,
      headers: address.headers,
      ...(method === "POST" && { body: "{}" }),
    });
  }

  async function startKernel(): Promise<{ id: string; pid: number }> {
    const { id } = JSON.parse((await ask("/api/kernels", "POST")).body) as { id: string };
    const pid = await until(() => listLiving(`kernel-${id}.json`)[0], "the kernel does not start");
    return { id, pid };
  }

  const openChannel = async (id: string, cookie: string): Promise<WebSocket> => {
    const socket = new WebSocket(`${door.replace("http", "ws")}/api/kernels/${id}/channels`, {
      headers: { cookie, origin: door },
    });
    socket.on("error", () => undefined);
    await once(socket, "open");
    return socket;
  };

  beforeAll(async () => {
    project = await createScratchProject(yaml);
    const { code, stderr } = await project.sesta(["up", "-y", "--wake"]);
    if (code !== 0) throw new Error(stderr);
    door = (await awake()).url ?? "";
  }, 240_000);
  afterAll(() => project.end());

  test("F1, F2: gateway and agent killed at once: Jupyter and its kernel go on, and are adopted", async () => {
    const { pid, agent_pid: agentPid } = await awake();
    const kernel = await startKernel();
    const cookie = await logIn(door, project.password);
    const channel = await until(() => openChannel(kernel.id, cookie), "no channel");
    const closed = once(channel, "close");
    const gatewayPid = (await project.status()).gateway.pid ?? 0;
    await Promise.all([killHard(gatewayPid), killHard(agentPid ?? 0)]);
    await closed;

    const found = await project.workload("notebook");
    expect(found).toMatchObject({ state: "awake", pid, why: "Jupyter Lab answers." });
    expect(found.agent_pid).not.toBe(agentPid);
    expect(lives(kernel.pid)).toBe(true);
    expect((await project.sesta(["up", "-y"])).code).toBe(0);
    expect((await awake()).url).toBe(door);
    (await until(() => openChannel(kernel.id, cookie), "no channel")).terminate();
    expect(jupyters()).toEqual([pid]);
  });

  test("F2: Jupyter killed: its kernels end with it, and another one answers at the same address", async () => {
    const { pid } = await awake();
    const kernel = await startKernel();
    await killHard(pid ?? 0);
    const again = await project.until("notebook", ({ state, pid: now }) => state === "awake" && now !== pid);
    expect([again.url, lives(kernel.pid), jupyters()]).toEqual([door, false, [again.pid]]);
  });

  test("T17: `up` with another password: sessions and open channels end, the old one is wrong", async () => {
    const kernel = await startKernel();
    const cookie = await logIn(door, project.password);
    const channel = await until(() => openChannel(kernel.id, cookie), "no channel");
    const closed = once(channel, "close");
    const { code, stderr } = await project.sesta(["up", "-y"], { TEAM_PASS: "another password altogether" });
    expect([code, stderr.includes("another password")]).toEqual([0, false]);
    await closed;
    const refused = () => fetchFrom(`${door}/api/status`, { headers: { cookie } });
    expect((await refused()).status).toBe(401);
    await expect(logIn(door, project.password)).rejects.toThrow("403");
    const next = await logIn(door, "another password altogether");
    expect((await fetchFrom(`${door}/api/status`, { headers: { cookie: next } })).status).toBe(200);
    expect(lives(kernel.pid)).toBe(true);
  });

  test("F22: put to sleep and woken in the same moment, it is awake in the end, once", async () => {
    await startKernel();
    const [asleep] = await Promise.all([
      project.sesta(["sleep", "notebook"]),
      project.sesta(["wake", "notebook"]),
    ]);
    expect(asleep.stderr).not.toContain("bug");
    await project.sesta(["wake", "notebook"]);
    const { pid } = await awake();
    expect(jupyters()).toEqual([pid]);
    expect((await project.sesta(["sleep", "notebook"])).code).toBe(0);
    expect([jupyters(), kernels()]).toEqual([[], []]);
  });
});
