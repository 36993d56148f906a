// Keeps copies of a root's state as it changes, and brings the newest back where Terraform left none that is whole.
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makePrivateFolder, writeAtomic } from "../../base/atomic-file.ts";
import { systemCode } from "../../base/errors.ts";
import { findState, type TerraformState } from "./read-state.ts";

const stateName = "terraform.tfstate";
/** Where Terraform puts what it could not write: it is newer than the state, and never to be applied over. */
export const erroredName = "errored.tfstate";
const copiesFolder = "states";
const keptCopies = 10;

/** A state that was not what it had to be, in words; undefined when nothing was wrong. */
export type Repair = { state: TerraformState | undefined; repaired: string | undefined };

/**
 * Terraform writes its local state in place: a kill leaves a part of it, or nothing.
 * @param folder of the root
 * @returns the state as it is afterwards
 */
export async function repairState(folder: string): Promise<Repair> {
  const path = join(folder, stateName);
  const [current, errored, newest] = await Promise.all([
    findState(path),
    findState(join(folder, erroredName)),
    findNewestCopy(folder),
  ]);
  const present = current.kind === "whole" ? current.state : undefined;
  if (errored.kind === "whole" && isNewer(errored.state, present ?? newest?.state)) {
    await writeAtomic(path, errored.text);
    await rename(join(folder, erroredName), join(folder, `${erroredName}.${errored.state.serial}`));
    await copyState(folder);
    return {
      state: errored.state,
      repaired: `the state that Terraform could not write, ${sayOf(errored.state)}, is taken over`,
    };
  }
  if (!newest || (present && !isNewer(newest.state, present))) {
    if (current.kind === "broken") await rename(path, `${path}.broken`); // Terraform would take an empty one for none
    const repaired =
      current.kind === "broken" ? "the state was cut short, and no copy of it is there" : undefined;
    return { state: present, repaired };
  }
  await writeAtomic(path, newest.text);
  const what =
    current.kind === "whole"
      ? `older (${sayOf(current.state)})`
      : current.kind === "none"
        ? "gone"
        : `cut short at ${current.bytes} bytes`;
  return { state: newest.state, repaired: `the state was ${what}: ${sayOf(newest.state)} is back` };
}

/** Does nothing for a state that is not whole, or was copied already. */
export async function copyState(folder: string): Promise<void> {
  const current = await findState(join(folder, stateName));
  if (current.kind !== "whole") return;
  const copies = join(folder, copiesFolder);
  await makePrivateFolder(copies);
  const name = `${current.state.serial}.tfstate`;
  const present = await listCopies(folder);
  if (present[0] === name) return;
  await writeAtomic(join(copies, name), current.text);
  for (const old of present.filter((one) => one !== name).slice(keptCopies - 1))
    await rm(join(copies, old), { force: true });
}

async function findNewestCopy(folder: string) {
  for (const name of await listCopies(folder)) {
    const found = await findState(join(folder, copiesFolder, name));
    if (found.kind === "whole") return found;
  }
  return undefined;
}

/** Newest first. */
async function listCopies(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, copiesFolder)).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => /^\d+\.tfstate$/.test(name))
    .toSorted((one, other) => Number.parseInt(other) - Number.parseInt(one));
}

/** Another lineage is another state altogether: the one that Sesta has copied is the root's own. */
function isNewer(one: TerraformState, other: TerraformState | undefined): boolean {
  return !other || one.lineage !== other.lineage || one.serial > other.serial;
}

function sayOf({ serial, resources }: TerraformState): string {
  return `serial ${serial} with ${resources.length} ${resources.length === 1 ? "resource" : "resources"}`;
}
