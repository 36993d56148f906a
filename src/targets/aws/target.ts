// The target `aws`: a workload on a machine that Terraform makes, that sleeps powered off, and that is an SSH host while it runs.
import { join } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { guardMachine } from "../../machine/guarded.ts";
import { createSshMachine } from "../../machine/ssh/ssh.ts";
import type { AwsTargetSection } from "../../model/aws.ts";
import type { Launch } from "../../model/launch.ts";
import type { Report } from "../../model/status.ts";
import { buildAbsent } from "../absent.ts";
import { createSshTarget, type SshContext } from "../ssh/ssh.ts";
import type { Target } from "../target.ts";
import { createRoot } from "../terraform/root.ts";
import type { RootContext } from "../terraform/root-context.ts";
import { chooseMachine } from "./choose-machine.ts";
import { destroyStack } from "./destroy.ts";
import { createInstance, type Ec2 } from "./instance.ts";
import { placeStack } from "./place.ts";
import { planStack } from "./plan.ts";
import { createStackRecord } from "./stack-record.ts";
import type { WakeFunction } from "./wake-blocks.ts";

export type AwsContext = Omit<SshContext, "section" | "access" | "machine" | "sendWake"> & {
  section: AwsTargetSection;
  /** Each has a machine of its own. */
  workload: string;
  /** The project's folder here, and where Sesta keeps what is the project's. */
  folders: { project: string; sesta: string };
  /** Of the commands that outlive this one. */
  env: Readonly<Record<string, string | undefined>>;
  ec2: Ec2;
  terraform: Pick<RootContext, "terraform" | "machine" | "env" | "find">;
  wakeFunction(): Promise<WakeFunction | undefined>;
  /** Of the image: "ubuntu". */
  user: string;
  /** Of its sshd, where that is not 22. */
  port?: number;
};

export type Aws = ReturnType<typeof createAws>;

/** What plan, place and destroy share. */
export function createAws(context: AwsContext) {
  const { name, workload, section, folders, env, state, clock, signal, ec2, terraform, user, port } = context;
  const root = `${name}/${workload}`;
  const record = createStackRecord(state, root);
  const alias = `${workload}.${name}`;
  const access = {
    host: { name: alias, host: alias, user, key: section.key.file },
    folder: folders.project,
    stateFolder: folders.sesta,
    configFile: join(folders.sesta, "aws", `${workload}.ssh`),
    env,
  };
  const id = () => record.find()?.outputs["instance"];
  const instance = createInstance({
    name: workload,
    id,
    ec2,
    access,
    clock,
    signal,
    ...(port !== undefined && { port }),
  });
  const machine = guardMachine(createSshMachine(access), instance.requireRunning);
  return {
    context,
    record,
    instance,
    machine,
    /** Configures it, and speaks with its agent, while it runs. */
    host: createSshTarget({
      ...context,
      section: { type: "ssh", hosts: [access.host], sleep: "poweroff" },
      access,
      machine,
      sendWake: () => Promise.resolve(),
    }),
    root: createRoot({
      ...terraform,
      name: workload,
      folder: join(folders.sesta, "terraform", workload),
      isRemote: false,
      journal: {
        list: () => state.listIntents(root),
        save: (wanted) => state.saveIntents(root, wanted),
        clear: () => state.deleteIntents(root),
      },
      clock,
      signal,
    }),
    choose: (launch: Launch) => chooseMachine(launch.machine ?? {}),
  };
}

export function createAwsTarget(context: AwsContext): Target {
  const { name: target, workload, state, clock } = context;
  const aws = createAws(context);
  const { host, instance, record } = aws;
  const requirePlaced = () => {
    if (state.findWorkload(workload)?.placedAt) return;
    throw new SestaError("NOT_UP", `${workload} is not up`, { hint: `Run \`sesta up ${workload}\`.` });
  };
  const turnOn = async () => void (await instance.turnOn(() => undefined));
  return {
    ...host,
    name: target,
    remote: true,
    async plan(name, wanted) {
      const { root: _, ...plan } = await planStack(aws, name, wanted);
      return plan;
    },
    async apply(plan, on) {
      const { wanted } = plan;
      const now = await planStack(aws, plan.name, wanted);
      if (now.basis !== plan.basis) {
        throw new SestaError("STALE_PLAN", `${plan.name} has changed since the plan was made`, {
          hint: "Run the command again and look at the new plan.",
        });
      }
      return wanted ? placeStack(aws, now, wanted, on) : destroyStack(aws, now, on);
    },
    async status(name) {
      const placed = state.findWorkload(name);
      if (!placed) return buildAbsent(name, clock.now());
      const found = await instance.look();
      if (found?.state === "running") return host.status(name);
      return reportOff(name, found?.state, found?.startedAt ?? clock.now());
    },
    async list() {
      const made = record.find()?.outputs["instance"];
      return state.findWorkload(workload) && made !== undefined
        ? [{ name: workload, kind: "workload", where: made }]
        : [];
    },
    async wake(name, why, by) {
      requirePlaced();
      await turnOn();
      return host.wake(name, why, by);
    },
    async sleep(name, why, by) {
      requirePlaced();
      const found = await instance.look();
      if (found?.state === "running") return host.sleep(name, why, by);
      return reportOff(name, found?.state, found?.startedAt ?? clock.now());
    },
    reach: turnOn,
    async rouse() {
      await turnOn();
      await host.rouse();
    },
  };
}

/** Of a machine that does not run: nobody but AWS can be asked. */
function reportOff(name: string, state: string | undefined, since: number): Report {
  const known = {
    stopped: { state: "asleep", why: "Its machine is off." },
    stopping: { state: "sleeping", why: "Its machine powers off." },
    pending: { state: "waking", why: "Its machine starts." },
  } as const;
  const found = Object.entries(known).find(([key]) => key === state)?.[1];
  const report = found ?? { state: "failed" as const, why: `Its machine is gone: run \`sesta up ${name}\`.` };
  return { ...buildAbsent(name, since), ...report };
}
