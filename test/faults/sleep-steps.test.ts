// Going to sleep, taken back at each of its steps; a remote that does not confirm, on disks that stay and that do not.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createAgentRig, type AgentRig } from "./support/agent-rig.ts";
import { until } from "./support/processes.ts";

let rig: AgentRig;
let count = 0;
let name = "";
let remote = "";

beforeAll(async () => {
  rig = await createAgentRig();
});
beforeEach(() => {
  name = `steps-${(count += 1)}`;
  remote = createRemote(join(rig.root, "remotes", name));
});
afterAll(() => rig.end());

/** A bare repository whose hook waits while there is a file `hold`, and refuses while there is a file `refuse`. */
function createRemote(folder: string): string {
  mkdirSync(folder, { recursive: true });
  git(folder, "init", "--quiet", "--bare", "--initial-branch=main", ".");
  const hook = `#!/bin/sh\ntouch '${folder}/reached'\nwhile [ -e '${folder}/hold' ]; do sleep 0.02; done\ntest ! -e '${folder}/refuse'\n`;
  writeFileSync(join(folder, "hooks", "pre-receive"), hook, { mode: 0o755 });
  return folder;
}

function git(folder: string, ...operands: string[]): string {
  const { stdout, stderr, status } = spawnSync("git", ["-C", folder, ...operands], { encoding: "utf8" });
  if (status !== 0) throw new Error(`git ${operands.join(" ")}: ${stderr}`);
  return stdout;
}

const write = (file: string, text: string) => writeFileSync(join(rig.workspaceOf(name), file), text);
const atRemote = (file: string): string | undefined => {
  const { stdout, status } = spawnSync("git", ["-C", remote, "show", `main:${file}`], { encoding: "utf8" });
  return status === 0 ? stdout : undefined;
};
const untilSaved = () =>
  until(
    async () => {
      const { save } = await rig.find(name);
      return save !== null && save.savedAt !== null && save.owedSince === null;
    },
    () => "it is not saved",
  );

async function bringUp(options: Parameters<AgentRig["put"]>[2] = {}): Promise<number> {
  await rig.put(name, "", { save: { repo: remote }, ...options });
  write("first.txt", "first\n");
  await rig.wake(name);
  const { pid } = await rig.untilState(name, "awake");
  await until(() => atRemote("first.txt"), "the first file does not arrive");
  await untilSaved();
  return pid ?? 0;
}

/** Resolves when a report of this workload is in the given phase. */
async function untilPhase(phase: RegExp): Promise<void> {
  const done = new AbortController();
  for await (const event of rig.agent.watch(0, done.signal)) {
    if (!("report" in event) || event.report.name !== name) continue;
    if (event.report.state === "sleeping" && phase.test(event.report.phase ?? "")) return done.abort();
  }
}

describe("F22: asked for while it goes to sleep", () => {
  test("while its files are saved: the same process goes on", async () => {
    const pid = await bringUp();
    const phase = untilPhase(/saving/);
    await rig.sleep(name);
    await phase;
    write("late.txt", "late\n");
    await rig.wake(name);
    expect(await rig.untilState(name, "awake")).toMatchObject({ pid, open: true });
    expect(rig.starts(name)).toHaveLength(1);
    await until(() => atRemote("late.txt"), "what was written meanwhile does not arrive");
  });

  test("while the remote keeps it waiting: the same process goes on, and nothing is lost", async () => {
    const pid = await bringUp();
    writeFileSync(join(remote, "hold"), "");
    rmSync(join(remote, "reached"), { force: true });
    write("owed.txt", "owed\n");
    await rig.sleep(name);
    await until(() => existsSync(join(remote, "reached")), "the remote was not asked");
    expect(await rig.find(name)).toMatchObject({ state: "sleeping", open: true });
    expect(await rig.agent.call("door", { name })).not.toBeNull();
    await rig.wake(name);
    expect(await rig.untilState(name, "awake")).toMatchObject({ pid });
    rmSync(join(remote, "hold"));
    await until(() => atRemote("owed.txt") === "owed\n", "what was owed does not arrive");
    await untilSaved();
  });

  test("while its process ends: it ends, and a new one starts", async () => {
    const pid = await bringUp();
    rig.tell(name, "stop-delay", "600");
    await rig.sleep(name);
    await until(async () => !(await rig.find(name)).open, "it is not stopped");
    write("last.txt", "last\n");
    await rig.wake(name);
    const again = await until(async () => {
      const report = await rig.find(name);
      return report.state === "awake" && report.pid !== pid ? report : undefined;
    }, "it does not come back");
    expect(rig.living(name)).toEqual([again.pid]);
    await until(() => atRemote("last.txt"), "what was written at the end does not arrive");
  });

  test("use keeps it awake when it went to sleep by itself, not when it was told to", async () => {
    const pid = await bringUp({ idle: { idleMs: 1_500 } });
    writeFileSync(join(remote, "hold"), "");
    write("owed.txt", "owed\n");
    await rig.untilState(name, "sleeping");
    await rig.agent.call("use", { name, source: "somebody changed something", kind: "change" });
    expect(await rig.untilState(name, "awake")).toMatchObject({ pid });
    await rig.sleep(name);
    await rig.agent.call("use", { name, source: "somebody changed something", kind: "change" });
    rmSync(join(remote, "hold"));
    await rig.untilState(name, "asleep");
  });

  test("what is written while it ends is saved before it sleeps", async () => {
    await bringUp();
    rig.tell(name, "stop-delay", "300");
    await rig.sleep(name);
    await until(async () => !(await rig.find(name)).open, "it is not stopped");
    write("last.txt", "last\n");
    await rig.untilState(name, "asleep");
    const work = join(rig.home, "saves", name, "git");
    expect(git(work, "show", "refs/sesta/work:last.txt")).toBe("last\n");
  });
});

describe("F8: the remote does not confirm", () => {
  test("on a disk that is kept it sleeps with the debt, and pays it asleep", async () => {
    await bringUp();
    writeFileSync(join(remote, "refuse"), "");
    write("owed.txt", "owed\n");
    await rig.sleep(name);
    await rig.untilState(name, "asleep");
    const { save } = await rig.find(name);
    expect(save).toMatchObject({ problem: { kind: "refused" } });
    expect(save?.owedSince).not.toBeNull();
    rmSync(join(remote, "refuse"));
    await until(() => atRemote("owed.txt"), "the debt is not paid");
    await untilSaved();
  });

  test("the debt outlives the agent", async () => {
    await bringUp();
    writeFileSync(join(remote, "refuse"), "");
    write("owed.txt", "owed\n");
    await until(async () => (await rig.find(name)).save?.problem, "nothing is owed");
    await rig.kill();
    rmSync(join(remote, "refuse"));
    await rig.agent.ensure();
    await until(() => atRemote("owed.txt"), "the debt is not paid");
    await untilSaved();
  });

  test("on a disk that is lost it stays awake, says why, and sleeps once everything is safe", async () => {
    const pid = await bringUp({ disk: "lost" });
    writeFileSync(join(remote, "refuse"), "");
    write("owed.txt", "owed\n");
    await rig.sleep(name);
    await until(async () => /stays awake/.test((await rig.find(name)).why), "it does not say why it stays");
    expect(await rig.find(name)).toMatchObject({ state: "awake", pid });
    rmSync(join(remote, "refuse"));
    await rig.untilState(name, "asleep");
    expect(atRemote("owed.txt")).toBe("owed\n");
    expect(readFileSync(join(rig.workspaceOf(name), "owed.txt"), "utf8")).toBe("owed\n");
  });

  test("on a disk that is lost, what is written at the end is safe elsewhere before it sleeps", async () => {
    await bringUp({ disk: "lost" });
    rig.tell(name, "stop-delay", "500");
    await rig.sleep(name);
    await until(async () => !(await rig.find(name)).open, "it is not stopped");
    writeFileSync(join(remote, "refuse"), "");
    write("last.txt", "last\n");
    await until(async () => /cannot end yet/.test((await rig.find(name)).phase ?? ""), "it does not wait");
    expect(await rig.find(name)).toMatchObject({ state: "sleeping", pid: null });
    rmSync(join(remote, "refuse"));
    await rig.untilState(name, "asleep");
    expect(atRemote("last.txt")).toBe("last\n");
  });
});
