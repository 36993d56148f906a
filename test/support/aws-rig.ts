// AWS as a test has it: what Terraform makes lies in a folder, and each machine among it is an sshd of its own, off or on.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { bundleAgent } from "../../scripts/bundle-agent.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openProjectState, type ProjectState } from "../../src/state/project-state.ts";
import type { Instance } from "../../src/targets/aws/ec2.ts";
import { createAwsTarget } from "../../src/targets/aws/target.ts";
import type { Target } from "../../src/targets/target.ts";
import { endAll } from "../faults/support/processes.ts";
import { acmeClientSource, modelServerSource } from "./program-sources.ts";
import { findFreePort } from "./running-lab.ts";
import { packageVariables } from "./ssh-target.ts";
import { startSshServer, type SshServer } from "./ssh-server.ts";
import { createTerraformRig } from "./terraform-rig.ts";

export type AwsRig = Awaited<ReturnType<typeof createAwsRig>>;

function listChildren(parent: number): number[] {
  const { stdout } = spawnSync("ps", ["-o", "pid=", "--ppid", String(parent)], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => (line.trim() === "" ? [] : [Number(line)]));
}

type Machine = { folder: string; server: SshServer; isOn: boolean };

export async function createAwsRig() {
  const rig = createTerraformRig();
  const project = join(rig.folder, "project");
  const sesta = join(project, ".sesta");
  mkdirSync(sesta, { recursive: true, mode: 0o700 });
  const state: ProjectState = openProjectState(join(sesta, "state.db"));
  const ports = new Map<string, number>();
  const machines = new Map<string, Machine>();
  const starts: string[] = [];
  let program: Promise<string> | undefined;
  const folderOf = (workload: string) => join(rig.folder, `machine-${workload}`);
  const offMark = (workload: string) => join(folderOf(workload), "off");

  async function turnOn(workload: string): Promise<SshServer> {
    const folder = folderOf(workload);
    mkdirSync(join(folder, "bin"), { recursive: true, mode: 0o700 });
    const systemctl = join(folder, "bin", "systemctl");
    writeFileSync(systemctl, `#!/bin/sh\n[ "$1" != poweroff ] || touch ${offMark(workload)}\n`);
    chmodSync(systemctl, 0o755);
    rmSync(offMark(workload), { force: true });
    const port = ports.get(workload) ?? (await findFreePort());
    const PATH = `${join(folder, "bin")}:${process.env["PATH"] ?? ""}`;
    return startSshServer(folder, { port, variables: { ...packageVariables(), PATH } });
  }

  /** Its disk and its keys go with a machine. */
  async function endOld(workload: string): Promise<void> {
    for (const machine of machines.values())
      if (machine.folder === folderOf(workload) && machine.isOn) await turnOff(machine);
    for (const part of ["home", "host-key"])
      rmSync(join(folderOf(workload), part), { recursive: true, force: true });
  }

  async function turnOff(machine: Machine): Promise<void> {
    machine.isOn = false;
    for (const pid of listChildren(machine.server.pid)) process.kill(pid, "SIGKILL"); // its connections
    await machine.server.end();
    await endAll(machine.folder);
  }

  let last: Promise<unknown> = Promise.resolve();
  /** One after the other: a machine has one sshd. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  }

  async function describe(id: string): Promise<Instance | undefined> {
    const made = rig.listCloud().find((one) => one.type === "aws_instance" && one.id === id);
    const workload = (made?.values["tags"] as Record<string, string> | undefined)?.["sesta:workload"] ?? "";
    const present = machines.get(id);
    if (!made) {
      if (present?.isOn) await turnOff(present);
      return undefined;
    }
    if (!present) await endOld(workload);
    const machine = present ?? { folder: folderOf(workload), server: await turnOn(workload), isOn: true };
    machines.set(id, machine);
    if (machine.isOn && existsSync(offMark(workload))) await turnOff(machine);
    return machine.isOn
      ? { state: "running", address: "127.0.0.1", startedAt: 0 }
      : { state: "stopped", address: null, startedAt: 0 };
  }

  async function start(id: string): Promise<void> {
    starts.push(id);
    const machine = machines.get(id);
    if (!machine || machine.isOn) return;
    const made = rig.listCloud().find((one) => one.id === id);
    const tags = made?.values["tags"] as Record<string, string>;
    machine.server = await turnOn(tags["sesta:workload"] ?? "");
    machine.isOn = true;
  }

  /** A target on which one workload has a machine. */
  function createTarget(name: string, workload: string): Target {
    return createAwsTarget({
      name,
      workload,
      project: "vision",
      section: {
        type: "aws",
        region: "us-east-1",
        key: { name: "team", file: join(folderOf(workload), "key") },
        allow: { ssh: ["203.0.113.7/32"], lab: [], wake: [] },
      },
      folders: { project, sesta },
      env: process.env,
      state,
      clock: systemClock,
      signal: new AbortController().signal,
      ec2: {
        describe: (id) => inTurn(() => describe(id)),
        start: (id) => inTurn(() => start(id)),
      },
      terraform: rig.context,
      wakeFunction: () => Promise.resolve(undefined),
      user: userInfo().username,
      port: ports.get(workload) ?? 0,
      loadAgent: () => (program ??= bundleAgent()),
      modelServer: modelServerSource,
      acmeClient: acmeClientSource,
      agentFlags: [],
    });
  }

  return {
    ...rig,
    project,
    state,
    starts,
    home: (workload: string) => join(folderOf(workload), "home"),
    createTarget,
    /** Workloads that there will be. */
    async expect(...workloads: string[]): Promise<void> {
      for (const workload of workloads) ports.set(workload, await findFreePort());
    },
    async end(): Promise<void> {
      for (const machine of machines.values()) {
        await machine.server.end();
        await endAll(machine.folder);
      }
      await endAll(rig.folder);
      state.close();
      rig.end();
    },
  };
}
