// Mends a root after a kill: its state, and what was made in the cloud without its being written down.
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../../base/atomic-file.ts";
import { systemCode } from "../../base/errors.ts";
import { buildForget, buildImport, buildPull, buildPush } from "../../commands/terraform.ts";
import { copyState, erroredName, repairState, type Repair } from "./keep-state.ts";
import { findState, readState } from "./read-state.ts";
import { appliedName, configName, runTerraform, type RootContext } from "./root-context.ts";

/**
 * What was about to be made and is in no state is looked for in the cloud, and taken into the state where it is there.
 * @param init makes the folder ready for Terraform
 * @returns what was found, in words
 */
export async function recover(context: RootContext, init: () => Promise<void>): Promise<string[]> {
  const { folder, journal, find, terraform, isRemote } = context;
  const { state, repaired } = await (isRemote ? pullState(context, init) : repairState(folder));
  const said = repaired === undefined ? [] : [repaired];
  const intents = journal.list();
  if (intents.length === 0) return said;
  const known = new Map(state?.resources.map(({ address, id }) => [address, id]));
  const pending = intents.filter(
    ({ address, identity }) => !known.has(address) || known.get(address) === identity.replaces,
  );
  const there = pending.length === 0 ? [] : await find(pending);
  const found = there.filter(({ address, id }) => known.get(address) !== id);
  if (found.length > 0) {
    await restoreConfig(folder);
    await init();
  }
  for (const { address, id } of found) {
    if (known.has(address)) await runTerraform(context, buildForget(terraform, address)); // it was replaced by this one
    await runTerraform(context, buildImport(terraform, address, id));
    await copyState(folder);
    said.push(`${address} (${id}), made by an apply that was cut short, is taken over`);
  }
  journal.clear();
  return said;
}

/** Where it is kept, it is whole; what could not be written there lies here. */
async function pullState(context: RootContext, init: () => Promise<void>): Promise<Repair> {
  const { folder, journal, terraform } = context;
  const errored = join(folder, erroredName);
  const left = await findState(errored);
  if (left.kind === "none" && journal.list().length === 0) return { state: undefined, repaired: undefined };
  await init();
  if (left.kind === "whole") {
    await runTerraform(context, buildPush(terraform, errored));
    await rename(errored, `${errored}.${left.state.serial}`);
  }
  const state = readState(await runTerraform(context, buildPull(terraform)));
  const repaired =
    left.kind === "whole" ? "the state that Terraform could not write is where it belongs" : undefined;
  return { state, repaired };
}

/** The one that what was found is a part of. */
async function restoreConfig(folder: string): Promise<void> {
  const applied = await readFile(join(folder, appliedName)).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (applied) await writeAtomic(join(folder, configName), applied);
}
