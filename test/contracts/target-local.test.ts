// The target `local` passes the contract of targets with a small process, and once with the lab itself.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { createLocalMachine } from "../../src/machine/local.ts";
import type { Launch } from "../../src/model/launch.ts";
import { openProjectState } from "../../src/state/project-state.ts";
import { createLocalTarget } from "../../src/targets/local/local.ts";
import { buildLabLaunch } from "../../src/workloads/lab/build-launch.ts";
import { findLabEnvironment } from "../support/lab-environment.ts";
import { agentProgram } from "../support/published-form.ts";
import { buildTinyLaunch } from "../support/tiny-launch.ts";
import { testTarget, untilState, type TargetUnderTest } from "./target.contract.ts";
import { acmeClientSource, modelServerSource } from "../support/program-sources.ts";

testTarget("local", { create, buildLaunch: buildTinyLaunch });

const missing = findLabEnvironment();
if (typeof missing === "string") console.log(`skipped: ${missing}`);

describe.skipIf(typeof missing === "string")("the lab itself", { timeout: 300_000 }, () => {
  const section = {
    type: "lab",
    name: "notebook",
    target: "local",
    idleMs: null,
    maxAwakeMs: null,
    packages: [],
    workspace: "notebook",
  } as const;

  test("up makes its environment once, it wakes and sleeps, and down takes the environment away", async () => {
    const under = await create();
    const { target } = under;
    const launch = buildLabLaunch(section, []);
    const plan = await target.plan("notebook", launch);
    expect(plan.steps.join("\n")).toMatch(/workspace[^]*Python[^]*Jupyter Lab[^]*register/);
    await target.apply(plan, () => undefined);
    expect((await target.list()).map(({ kind }) => kind)).toEqual(["workload", "environment"]);
    expect((await target.plan("notebook", launch)).action).toBe("none");
    await target.wake("notebook", "asked", "owner");
    const { pid } = await untilState(target, "notebook", "awake");
    expect(pid).toBeGreaterThan(0);
    const receipt = await target.apply(await target.plan("notebook", undefined), () => undefined);
    if (receipt.kind !== "receipt") throw new Error("no receipt");
    expect(receipt.removed.some((gone) => gone.includes("/environments/"))).toBe(true);
    for (const gone of receipt.removed) expect([gone, await under.exists(gone)]).toEqual([gone, false]);
    expect(await target.list()).toEqual([]);
    await under.end();
  });
});

async function create(): Promise<TargetUnderTest> {
  const project = await mkdtemp(join(tmpdir(), "sesta-target-"));
  const sesta = join(project, ".sesta");
  await mkdir(sesta, { mode: 0o700 });
  const cacheFolder = join(tmpdir(), "sesta-test-cache");
  await mkdir(cacheFolder, { recursive: true });
  const { PYTHONDONTWRITEBYTECODE: _, ...env } = process.env;
  const state = openProjectState(join(sesta, "state.db"));
  const reopen = () =>
    createLocalTarget({
      name: "local",
      folders: { project, sesta },
      machine: createLocalMachine(env),
      state,
      clock: systemClock,
      modelServer: modelServerSource,
      acmeClient: acmeClientSource,
      cacheFolder,
      agentCommand: [process.execPath, "--disable-warning=ExperimentalWarning", agentProgram],
      agentEnv: env,
      signal: new AbortController().signal,
    });
  const target = reopen();
  const workspace = ({ workspace: inner }: Launch, file: string) => join(project, inner, file);
  return {
    target,
    state,
    reopen,
    snapshot: async () => snapshot(project, state.listWorkloads()),
    writeWorkspace: (launch, file, content) => writeFile(workspace(launch, file), content),
    readWorkspace: (launch, file) => readFile(workspace(launch, file), "utf8").catch(() => undefined),
    readLog: async (name) => collect(target.logs(name, { lines: 100 })),
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
      state.close();
      await rm(project, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

async function collect(texts: AsyncIterable<string>): Promise<string> {
  let all = "";
  for await (const text of texts) all += text;
  return all;
}

/** Every path with its mode and content; databases and logs by what the project's state says instead. */
function snapshot(project: string, rows: unknown): string {
  const paths = readdirSync(project, { recursive: true, withFileTypes: true })
    .filter((entry) => !/\.db(-wal|-shm)?$|\.log$|\.sock$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const lines = paths.map((path) => {
    const { mode } = statSync(path);
    const content = statSync(path).isFile()
      ? createHash("sha256").update(readFileSync(path)).digest("hex")
      : "";
    return `${relative(project, path)} ${mode.toString(8)} ${content}`;
  });
  return [...lines.toSorted(), JSON.stringify(rows)].join("\n");
}
