// Takes a workload away from AWS: its files come home first, then all that was made goes, and AWS is asked whether it did.
import { dirname } from "node:path";
import { basename, dirname as dirThere } from "node:path/posix";
import { SestaError } from "../../base/errors.ts";
import type { Progress, Receipt } from "../../model/plan.ts";
import type { PlacedWorkload } from "../../state/project-state.ts";
import { inStage, runStep } from "../step.ts";
import { listIntents } from "../terraform/identity.ts";
import { keptFolder, type StackPlan } from "./plan.ts";
import type { Aws } from "./target.ts";

const endEveryMs = 200;
const longestEndMs = 5 * 60_000;

/** @throws SestaError TERRAFORM where something is left, which is named */
export async function destroyStack(aws: Aws, plan: StackPlan, told: Progress): Promise<Receipt> {
  const { context, root, record, instance } = aws;
  const { state, terraform } = context;
  const { name } = plan;
  const on = inStage(told, "Destroying");
  const placed = state.findWorkload(name);
  if (!plan.root || !placed) return { kind: "receipt", name, removed: [], remains: [] };
  const { changes } = plan.root;
  const applying = plan.root;
  state.saveWorkload({ ...placed, placedAt: null });
  if (record.find() && record.find()?.outputs["instance"] === undefined) record.know(await root.outputs());
  if ((await instance.look()) !== undefined)
    await runStep(on, name, "files", (detail) => bringHome(aws, placed, detail));
  const made = listIntents(changes.map((one) => ({ ...one, actions: ["create"], after: one.before })));
  await runStep(on, name, "AWS", async (detail) => {
    await root.apply(applying, (event) => {
      if (event.kind === "started" || event.kind === "done") detail(`${event.address} ${event.kind}`);
    });
    const left = made.length === 0 ? [] : await terraform.find(made);
    if (left.length > 0) {
      throw new SestaError("TERRAFORM", `${left.length} resources of ${name} are left in AWS`, {
        problems: left.map(({ address, id }) => `${address}: ${id}`),
        hint: `Run \`sesta down ${name}\` again; what stays then is to be removed by hand, in AWS itself.`,
      });
    }
    detail(`${made.length} resources are gone`);
  });
  state.deleteWorkload(name);
  record.end();
  await instance.replace();
  await root.remove();
  const removed = changes.map(({ address, id }) => `${address}${id === undefined ? "" : ` (${id})`}`);
  return { kind: "receipt", name, removed, remains: plan.keeps };
}

/**
 * All that people made there; the workload has ended by then.
 * @throws SestaError TRANSFER where something cannot come: then nothing is destroyed
 */
export async function bringHome(
  aws: Aws,
  { name, launch }: PlacedWorkload,
  detail: (text: string) => void,
): Promise<void> {
  const { context, host, instance, machine } = aws;
  const { clock, signal } = context;
  const kept = keptFolder(aws, launch);
  await instance.turnOn(detail);
  const report = await host.status(name);
  if (report.state === "absent") return; // it was never configured
  await host.agent.call("sleep", { name, why: "It is taken down.", by: "owner", shut: true });
  const until = clock.monotonic() + longestEndMs;
  for (;;) {
    const { state } = await host.status(name);
    if (state === "asleep" || state === "failed") break;
    if (clock.monotonic() > until) throw new SestaError("BUSY", `${name} does not go to sleep`);
    await clock.sleep(endEveryMs, signal);
  }
  const workspace = await host.resolvePath(launch.workspace, "");
  const fetched = await machine.get(dirThere(workspace), [basename(workspace)], dirname(kept), { signal });
  if (fetched.skipped.length > 0) {
    throw new SestaError("TRANSFER", `${fetched.skipped.length} files of ${name} cannot come here`, {
      problems: fetched.skipped.slice(0, 10).map(({ path, why }) => `${path}: ${why}`),
      hint: `Save or remove them there (\`sesta exec ${name} -- rm …\`), then run the same command again: nothing was taken away.`,
    });
  }
  detail(`${fetched.files} files came to ${kept}`);
}
