// Brings a workload up on AWS: its machine by Terraform, all else over SSH; it ends asleep, and the machine powered off.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { dirname } from "node:path/posix";
import { buildMachineRest } from "../../commands/machine-rest.ts";
import { SestaError } from "../../base/errors.ts";
import type { Launch } from "../../model/launch.ts";
import type { Placed, Progress } from "../../model/plan.ts";
import { launchDigest, toKeep } from "../agent-host/layout.ts";
import type { Outputs } from "../terraform/read-outputs.ts";
import { inStage, runStep } from "../step.ts";
import { bringHome } from "./destroy.ts";
import { keptFolder, replacesMachine, type StackPlan } from "./plan.ts";
import type { Aws } from "./target.ts";

export async function placeStack(aws: Aws, plan: StackPlan, launch: Launch, told: Progress): Promise<Placed> {
  const { context, root, record, instance, host } = aws;
  const { state, name: target } = context;
  const { name, type } = launch;
  const placed = state.findWorkload(name);
  if (plan.action === "none") return { kind: "placed", name, unchanged: true };
  const on = inStage(told, "Provisioning");
  const digest = launchDigest(launch);
  // The intent: what is made from here on is this workload's, and is not ready before the end.
  state.saveWorkload({ name, type, target, launch: toKeep(launch), digest, placedAt: null });
  if (plan.root && plan.root.changes.length > 0) {
    const applying = plan.root;
    if (placed && replacesMachine(applying.changes) && (await instance.look()) !== undefined)
      await runStep(on, name, "files home", (detail) => bringHome(aws, placed, detail));
    await runStep(on, name, "AWS", async (detail) => {
      const outputs = await root.apply(applying, (event) => {
        if (event.kind === "started" || event.kind === "done") detail(`${event.address} ${event.kind}`);
      });
      await know(aws, outputs);
      detail(`${applying.changes.length} resources`);
    });
  }
  if (record.find()?.outputs["instance"] === undefined) await know(aws, await root.outputs()); // its apply was cut off
  await runStep(on, name, "machine", async (detail) => {
    const fingerprint = await instance.turnOn(detail);
    detail(fingerprint === undefined ? "it answers" : `it answers with the key ${fingerprint}`);
  });
  const inner = await host.plan(name, launch);
  await host.apply(inner, told);
  state.saveWorkload({ name, type, target, launch: toKeep(launch), digest, placedAt: null }); // there is more to do
  const configuring = inStage(told, "Configuration");
  await bringFiles(aws, launch, configuring);
  if (placed === undefined || placed.placedAt === null || (await isAsleep(aws, name)))
    await runStep(configuring, name, "sleep", (detail) => powerOff(aws, detail));
  const placedAt = placed?.placedAt ?? context.clock.now();
  state.saveWorkload({ name, type, target, launch: toKeep(launch), digest, placedAt });
  return { kind: "placed", name, unchanged: false };
}

async function know({ record, instance }: Aws, outputs: Outputs): Promise<void> {
  if (record.find()?.outputs["instance"] !== outputs["instance"]) await instance.replace();
  record.know(outputs);
  instance.forget();
}

/** What lies in its folder here, as it was before the machine was made: once, where there is nothing yet. */
async function bringFiles(aws: Aws, launch: Launch, on: Progress): Promise<void> {
  const { host, machine, context } = aws;
  const here = keptFolder(aws, launch);
  if (!existsSync(here)) return;
  const workspace = await host.resolvePath(launch.workspace, "");
  const { stdout } = await machine.run(["ls", "-A", workspace]);
  if (stdout.trim() !== "") return;
  const entries = await readdir(here, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name).slice(here.length + 1));
  if (files.length === 0) return;
  await runStep(on, launch.name, "files", async (detail) => {
    const part = `${dirname(workspace)}/.${launch.name}.making`;
    await machine.upload({ folder: here, files }, part, { signal: context.signal });
    const moved = await machine.run(["sh", "-c", 'rmdir "$1" && mv "$0" "$1"', part, workspace]);
    if (moved.exitCode !== 0) {
      throw new SestaError("TRANSFER", `The files of ${here} are not in ${workspace}: ${moved.stderr}`, {
        where: machine.name,
        hint: `They lie in ${part} there; run the same command again once ${workspace} is empty.`,
      });
    }
    detail(`${files.length} files of ${here}`);
  });
}

async function isAsleep({ host }: Aws, name: string): Promise<boolean> {
  return (await host.status(name)).state === "asleep";
}

/** By itself, as its agent does it: no right of AWS's is needed for it. */
async function powerOff({ machine, instance }: Aws, detail: (text: string) => void): Promise<void> {
  const { user } = await machine.facts();
  const told = await machine.run(buildMachineRest("poweroff", user === "root")).catch(() => undefined); // the line may break
  if (told && told.exitCode > 0 && told.exitCode < 128) {
    throw new SestaError(
      "COMMAND_FAILED",
      `The machine cannot power itself off, and is billed: ${told.stderr}`,
      {
        where: machine.name,
        hint: "Give its user `sudo` without a password, or an image whose user has it.",
      },
    );
  }
  instance.forget();
  detail("the machine powers off");
}
