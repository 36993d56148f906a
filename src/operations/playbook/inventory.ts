// The hosts of a playbook: the user's own inventory as Ansible reads it, or one of the project's hosts.
import { existsSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import { writeAtomic } from "../../base/atomic-file.ts";
import { SestaError } from "../../base/errors.ts";
import { buildInventory, buildInventoryList, type InventoryHost } from "../../commands/ansible.ts";
import { oneLine } from "../../commands/ansible-lines.ts";
import type { PlaybookPlace } from "./place.ts";

export type AnsibleRun = { bin: string; env: Readonly<Record<string, string | undefined>>; cwd: string };

/** Paths of inventories, the later ones overruling; and the keys that they name. */
export type Inventories = { paths: readonly string[]; keyFiles: readonly string[] };

const systemPython = "/usr/bin/python3";
const listTimeoutMs = 60_000;
/** `_meta.hostvars` of what `ansible-inventory --list` prints. */
const listed = z.object({
  _meta: z.object({ hostvars: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});

/** @param scratch a private folder of this run's own */
export async function writeInventory(
  place: PlaybookPlace,
  hosts: readonly InventoryHost[] | "local",
  groups: readonly string[],
  scratch: string,
): Promise<Inventories> {
  const path = join(scratch, "inventory.json");
  const members = hosts === "local" ? { localPython: await findLocalPython(place) } : hosts;
  await writeAtomic(path, buildInventory(members, { knownHosts: knownHostsOf(place), groups }));
  return { paths: [path], keyFiles: [] };
}

/** The system's own has the modules that packages bring, as python3-docker; names on PATH may be shims that lead nowhere. */
async function findLocalPython({ machine }: PlaybookPlace): Promise<string> {
  const ran = await machine.run([systemPython, "--version"]).catch(() => undefined);
  return ran?.exitCode === 0 ? systemPython : "{{ ansible_playbook_python }}";
}

export function knownHostsOf({ folder }: Pick<PlaybookPlace, "folder">): string {
  return join(folder, "known_hosts");
}

/**
 * An inventory was often written for a container that the folder was mounted in: a key that is not where it says, and
 * lies beside it under the same name, is that one.
 * @throws SestaError PLAYBOOK_FAILED when Ansible cannot read it, or a blank was not filled in
 */
export async function readInventory(
  { machine, signal }: PlaybookPlace,
  run: AnsibleRun,
  inventory: string,
  scratch: string,
): Promise<Inventories> {
  const ran = await machine.run(buildInventoryList(run.bin, [inventory]), {
    cwd: run.cwd,
    env: run.env,
    timeoutMs: listTimeoutMs,
    signal,
  });
  const hosts = ran.exitCode === 0 ? parse(ran.stdout) : undefined;
  if (hosts === undefined)
    throw new SestaError("PLAYBOOK_FAILED", "Ansible cannot read the inventory", {
      where: inventory,
      problems: ran.stderr
        .split("\n")
        .map(oneLine)
        .filter((line) => line !== "")
        .slice(0, 8),
      hint: "Its forms: https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html",
    });
  refuseBlanks(inventory, hosts);
  const moved = findMovedKeys(run.cwd, dirname(inventory), hosts);
  const keyFiles = [...keysOf(run.cwd, hosts), ...Object.values(moved)];
  if (Object.keys(moved).length === 0) return { paths: [inventory], keyFiles };
  const overlay = join(scratch, "keys.json");
  const members = Object.fromEntries(
    Object.entries(moved).map(([host, path]) => [host, { ansible_ssh_private_key_file: path }]),
  );
  await writeAtomic(overlay, JSON.stringify({ all: { hosts: members } }));
  return { paths: [inventory, overlay], keyFiles };
}

type Hosts = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function parse(stdout: string): Hosts | undefined {
  try {
    const { _meta: meta } = listed.parse(JSON.parse(stdout));
    return meta.hostvars;
  } catch {
    return undefined;
  }
}

function refuseBlanks(inventory: string, hosts: Hosts): void {
  const blank = Object.entries(hosts).find(([, vars]) =>
    /^[Xx]{3,}$|^<.*>$/.test(String(vars["ansible_host"] ?? "")),
  );
  if (blank === undefined) return;
  const [name, vars] = blank;
  throw new SestaError(
    "PLAYBOOK_FAILED",
    `ansible_host of ${oneLine(name)} is still ${oneLine(String(vars["ansible_host"]))}`,
    {
      where: inventory,
      hint: "Put the machine's address or name in its place.",
    },
  );
}

function keysOf(cwd: string, hosts: Hosts): string[] {
  return Object.values(hosts)
    .flatMap((vars) => findKey(vars) ?? [])
    .map((path) => resolve(cwd, path))
    .filter((path) => existsSync(path));
}

function findMovedKeys(cwd: string, folder: string, hosts: Hosts): Record<string, string> {
  return Object.fromEntries(
    Object.entries(hosts).flatMap(([name, vars]) => {
      const path = findKey(vars);
      if (path === undefined || existsSync(resolve(cwd, path))) return [];
      const beside = join(folder, basename(path));
      return existsSync(beside) ? [[name, beside]] : [];
    }),
  );
}

/** Not one in the home folder, nor one that Ansible still has to fill in. */
function findKey(vars: Readonly<Record<string, unknown>>): string | undefined {
  const path = vars["ansible_ssh_private_key_file"] ?? vars["ansible_private_key_file"];
  return typeof path === "string" && (isAbsolute(path) || /^[\w.]/.test(path)) && !path.includes("{{")
    ? path
    : undefined;
}
