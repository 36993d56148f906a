// The target `ssh` passes the contract of targets with a small process, on a real sshd.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleAgent } from "../../scripts/bundle-agent.ts";
import { systemClock } from "../../src/base/clock.ts";
import { version } from "../../src/base/version.ts";
import type { Launch } from "../../src/model/launch.ts";
import { killHard } from "../faults/support/processes.ts";
import { createSshHost, type SshHost } from "../support/ssh-target.ts";
import { findMissingSshd, type SshServer } from "../support/ssh-server.ts";
import { buildTinyLaunch } from "../support/tiny-launch.ts";
import { collectText, snapshotTree } from "../support/tree-snapshot.ts";
import { testTarget, untilState, type TargetUnderTest } from "./target.contract.ts";

const missing = findMissingSshd();
if (missing !== undefined) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)("over SSH", { timeout: 180_000 }, () => {
  let folder: string;
  let host: SshHost;
  let restarted: SshServer | undefined;
  let count = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sesta-ssh-"));
    host = await createSshHost(folder);
  }, 180_000);
  afterAll(async () => {
    await restarted?.end();
    await host.end();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });

  async function create(): Promise<TargetUnderTest & { project: string }> {
    const project = `p${(count += 1)}`;
    const state = host.openState(project);
    const opened = [host.createTarget(project, state)];
    const reopen = () => {
      const target = host.createTarget(project, state);
      opened.push(target);
      return target;
    };
    const [target] = opened as [ReturnType<typeof reopen>];
    const workspace = ({ workspace: inner }: Launch, file: string) =>
      join(host.home, "sesta", project, inner, file);
    const own = join(host.home, ".sesta", "projects", project);
    return {
      project,
      target,
      state,
      reopen,
      snapshot: async () =>
        [
          snapshotTree(own),
          snapshotTree(join(host.home, "sesta", project)),
          JSON.stringify(state.listWorkloads()),
        ].join("\n"),
      writeWorkspace: (launch, file, content) => writeFile(workspace(launch, file), content),
      readWorkspace: (launch, file) => readFile(workspace(launch, file), "utf8").catch(() => undefined),
      readLog: (name) => collectText(target.logs(name, { lines: 100 })),
      exists: async (removed) => existsSync(removed),
      async end() {
        if (await target.agent.findHello()) {
          for (const { name } of await target.agent.call("list", {})) {
            await target.agent.call("sleep", { name, why: "the test ends", by: "owner" });
            while (!["asleep", "failed"].includes((await target.status(name)).state))
              await systemClock.sleep(20);
          }
          await target.agent.call("stop", {});
        }
        for (const one of opened) await one.close();
        state.close();
      },
    };
  }

  testTarget("ssh", { create, buildLaunch: buildTinyLaunch });

  const launch = buildTinyLaunch("notebook");
  const up = async ({ target }: TargetUnderTest) =>
    target.apply(await target.plan("notebook", launch), () => undefined);

  test("F24: an agent of an older Sesta gives way, and so does one that was built otherwise; the lab goes on", async () => {
    const under = await create();
    const { target } = under;
    const loadAgent = async () => (await bundleAgent()).replaceAll(`"${version}"`, '"0.0.9"');
    const older = host.createTarget(under.project, under.state, {}, { loadAgent });
    await older.agent.ensure();
    const old = await older.agent.findHello();
    expect(old?.version).toBe("0.0.9");
    const plan = await older.plan("notebook", launch);
    await older.close();
    await target.apply(plan, () => undefined);
    const fresh = await target.agent.findHello();
    expect([fresh?.version, fresh?.pid === old?.pid]).toEqual([version, false]);
    await target.wake("notebook", "asked", "owner");
    const { pid } = await untilState(target, "notebook", "awake");
    const other = await target.agent.ensure("another build");
    expect(other.pid).not.toBe(fresh?.pid);
    expect(await target.status("notebook")).toMatchObject({ state: "awake", pid });
    await under.end();
  });

  test("a lab that another copy of the project brought up is named before it is taken over", async () => {
    const under = await create();
    await up(under);
    const state = host.openState(`${under.project}-copy`);
    const copy = host.createTarget(under.project, state);
    expect((await copy.plan("notebook", launch)).warnings).toEqual([
      expect.stringMatching(/^notebook is up on box already, by another copy/),
    ]);
    expect((await under.target.plan("notebook", launch)).warnings).toEqual([]);
    await copy.close();
    state.close();
    await under.end();
  });

  test("one that is off is sent what wakes it, waited for, and then woken", async () => {
    const under = await create();
    await up(under);
    const listChildren = (parent: number) =>
      spawnSync("ps", ["-o", "pid=", "--ppid", String(parent)], { encoding: "utf8" })
        .stdout.split("\n")
        .filter((line) => line.trim() !== "")
        .map(Number);
    const connections = listChildren(host.server.pid);
    expect(connections.length).toBeGreaterThan(0);
    await host.server.end();
    for (const pid of connections) await killHard(pid);
    await expect(under.target.wake("notebook", "asked", "owner")).rejects.toMatchObject({
      code: "SSH_CONNECTION",
    });
    const sent: string[] = [];
    const wake = { mac: "04:7c:16:aa:bb:cc" };
    const waking = host.createTarget(
      under.project,
      under.state,
      { wake },
      {
        sendWake: async (mac) => {
          if (sent.push(mac) === 1) restarted = await host.server.restart();
        },
      },
    );
    await waking.wake("notebook", "asked", "owner");
    await untilState(waking, "notebook", "awake");
    expect(sent).toEqual(["04:7c:16:aa:bb:cc"]);
    await waking.close();
    await under.end();
  });
});
