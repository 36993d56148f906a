// The target `aws` passes the contract of targets: real terraform, and real sshds for the machines that it makes.
import { mkdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Launch } from "../../src/model/launch.ts";
import type { Target } from "../../src/targets/target.ts";
import { describe } from "vitest";
import { createAwsRig } from "../support/aws-rig.ts";
import { findMissingSshd } from "../support/ssh-server.ts";
import { findMissingTerraform } from "../support/terraform-rig.ts";
import { buildTinyLaunch } from "../support/tiny-launch.ts";
import { collectText, snapshotTree } from "../support/tree-snapshot.ts";
import { testTarget, type TargetUnderTest } from "./target.contract.ts";

const missing = findMissingTerraform() || findMissingSshd();
if (missing) console.log(`skipped: ${missing}`);

/** For each cut a machine is made, configured and destroyed. */
const isCut = process.env["SESTA_FAULTS"] === "full";

const workloads = ["notebook", "second", "unknown"];

describe.skipIf(missing)("on AWS", () => {
  async function create(): Promise<TargetUnderTest> {
    const rig = await createAwsRig();
    await rig.expect(...workloads);
    const opened: Target[] = [];
    const open = (): Target => {
      const each = new Map(workloads.map((name) => [name, rig.createTarget("aws", name)]));
      opened.push(...each.values());
      return joinTargets(each);
    };
    const target = open();
    const there = ({ name, workspace }: Launch, file: string) =>
      join(rig.home(name), "sesta", "vision", workspace, file);
    const here = ({ workspace }: Launch, file: string) => join(rig.project, workspace, file);
    const read = (path: string) => readFile(path, "utf8").catch(() => undefined);
    const isMade = ({ name }: Launch) =>
      rig.listCloud().some(({ type, values }) => {
        const tags = values["tags"] as Record<string, string>;
        return type === "aws_instance" && tags["sesta:workload"] === name;
      });
    return {
      target,
      state: rig.state,
      reopen: open,
      snapshot: async () =>
        [
          JSON.stringify(rig.listCloud()),
          ...workloads.map((name) => snapshotTree(join(rig.home(name), "sesta"))),
          JSON.stringify(rig.state.listWorkloads()),
        ].join("\n"),
      async writeWorkspace(launch, file, content) {
        const path = there(launch, file);
        mkdirSync(dirname(path), { recursive: true });
        await writeFile(path, content);
      },
      readWorkspace: async (launch, file) => read(isMade(launch) ? there(launch, file) : here(launch, file)),
      readLog: (name) => collectText(target.logs(name, { lines: 100 })),
      exists: async (removed) => rig.listCloud().some(({ id }) => removed.includes(`(${id})`)),
      async end() {
        for (const one of opened) await one.close();
        await rig.end();
      },
    };
  }

  testTarget("aws", { create, buildLaunch: buildTinyLaunch, isOneMachine: false, isCut });
});

/** Each workload has a target of its own: here they are one, as the contract sees it. */
function joinTargets(each: ReadonlyMap<string, Target>): Target {
  const of = (name: string): Target => {
    const found = each.get(name);
    if (!found) throw new Error(`no target for ${name}`);
    return found;
  };
  return {
    ...of("notebook"),
    plan: (name, wanted) => of(name).plan(name, wanted),
    apply: (plan, on) => of(plan.name).apply(plan, on),
    status: (name) => of(name).status(name),
    wake: (name, ...more) => of(name).wake(name, ...more),
    sleep: (name, ...more) => of(name).sleep(name, ...more),
    logs: (name, options) => of(name).logs(name, options),
    list: async () => (await Promise.all([...each.values()].map((one) => one.list()))).flat(),
  };
}
