// Runs a team's own playbook with the real Ansible: finds the version that manages its machines, and tells each task live.
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { makePrivateFolder } from "../base/atomic-file.ts";
import { SestaError } from "../base/errors.ts";
import { redact } from "../base/redact.ts";
import {
  buildAnsibleEnv,
  buildPlaybook,
  buildPythonProbe,
  chooseEnvironment,
  findPythonVersion,
  type AnsibleEnvironment,
  type InventoryHost,
} from "../commands/ansible.ts";
import { parsePlaybookLine, type PlaybookEvent } from "../commands/ansible-lines.ts";
import { openPipe } from "../machine/pipe.ts";
import { readAnsibleConfig } from "./playbook/ansible-config.ts";
import { ensureAnsible, type Ansible } from "./playbook/ensure-ansible.ts";
import { findFailure, findPythonRefusal, type Seen } from "./playbook/explain.ts";
import {
  knownHostsOf,
  readInventory,
  writeInventory,
  type AnsibleRun,
  type Inventories,
} from "./playbook/inventory.ts";
import type { PlaybookPlace, PlaybookWatch } from "./playbook/place.ts";
import { keepOutOfGit, mendKey } from "./playbook/private-files.ts";
import { readVars } from "./playbook/read-vars.ts";

export type PlaybookRequest = {
  /** Absolute, as is the inventory; without one the hosts are. */
  playbook: string;
  inventory?: string | undefined;
  hosts: readonly InventoryHost[] | "local";
  /** Names under which the playbook may speak of all `hosts`, as the target's and the job's. */
  groups: readonly string[];
  extraEnv: Readonly<Record<string, string>>;
  /** Whether hosts of the user's own inventory are let in at the first sight of their keys, which are pinned then. */
  acceptNewKeys: boolean;
};

export type PlaybookDone = { ansible: AnsibleEnvironment; changed: number; ok: number };

const probeTimeoutMs = 30_000;
const closeTimeoutMs = 2_000;

/**
 * Changes beside the playbook only what it says to `watch`: the mode of a key, what git ignores.
 * @throws SestaError PLAYBOOK_FAILED, SSH_CONNECTION, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED with host and task; ENVIRONMENT
 * and its like when Ansible cannot be had; INTERRUPTED
 */
export async function runPlaybook(
  place: PlaybookPlace,
  request: PlaybookRequest,
  watch: PlaybookWatch,
): Promise<PlaybookDone> {
  await requireThere(request.playbook, true);
  if (request.inventory !== undefined) await requireThere(request.inventory, false);
  await makePrivateFolder(place.folder);
  // Not in the project's folder: the path of a socket has at most 104 characters.
  const scratch = await mkdtemp(join(tmpdir(), "sesta-"));
  try {
    const ansible = await ensureAnsible(place, "current", watch.detail);
    const env = { ...(await prepare(place, request, ansible, watch)), ANSIBLE_SSH_CONTROL_PATH_DIR: scratch };
    const run = (one: Ansible): AnsibleRun => ({ bin: one.bin, env, cwd: dirname(request.playbook) });
    const inventories =
      request.inventory === undefined
        ? await writeInventory(place, request.hosts, request.groups, scratch)
        : await readInventory(place, run(ansible), request.inventory, scratch);
    for (const path of inventories.keyFiles) await mendKey(path, watch);
    watch.detail("asking the machines for their Python");
    let which = await chooseFor(place, run(ansible), inventories);
    let seen = await play(place, run(await get(which)), request.playbook, inventories, watch);
    const refused = which === "current" && seen.exitCode !== 0 ? findPythonRefusal(seen.events) : undefined;
    if (refused) {
      watch.onNotice(
        `the Python of ${refused.host} is too old for the current Ansible; trying again with an older one`,
      );
      which = "older";
      seen = await play(place, run(await get(which)), request.playbook, inventories, watch);
    }
    const failure = findFailure(seen);
    if (failure) throw failure;
    const states = seen.events.flatMap((event) => (event.kind === "result" ? [event.state] : []));
    const count = (state: string) => states.filter((one) => one === state).length;
    return { ansible: which, changed: count("changed"), ok: count("ok") };
  } finally {
    await closeConnections(place, scratch);
    await rm(scratch, { recursive: true, force: true });
  }

  async function get(which: AnsibleEnvironment): Promise<Ansible> {
    return ensureAnsible(place, which, watch.detail);
  }
}

/** What lies beside the playbook, and the environment that comes of it. */
async function prepare(
  place: PlaybookPlace,
  { playbook, inventory, extraEnv, acceptNewKeys }: PlaybookRequest,
  { python, callbackFolder }: Ansible,
  watch: PlaybookWatch,
) {
  const folder = dirname(playbook);
  const [varsFile, keyFile] = [join(folder, "vars.sh"), join(folder, "key.pem")];
  const hasVars = await isFile(varsFile);
  const hasKey = await mendKey(keyFile, watch);
  await keepOutOfGit(place, [...(hasVars ? [varsFile] : []), ...(hasKey ? [keyFile] : [])], watch);
  const vars = hasVars ? await readVars(place, varsFile, python) : {};
  const given = { ...place.env, ...vars, ...extraEnv };
  const ownKey = given["ANSIBLE_PRIVATE_KEY_FILE"];
  const config = await readAnsibleConfig(folder, given);
  const namesKey = (ownKey !== undefined && (await isFile(ownKey))) || config.namesKey;
  const { system } = await place.machine.facts();
  return buildAnsibleEnv({
    env: place.env,
    vars: { ...vars, ...extraEnv },
    system,
    callbackFolder,
    knownHosts: knownHostsOf(place),
    acceptNewKeys: acceptNewKeys && inventory !== undefined,
    config,
    ...(hasKey && !namesKey && { keyFile }),
  });
}

/** The oldest Python among the machines that answer in time decides; without an answer the current one is tried. */
async function chooseFor(
  place: PlaybookPlace,
  run: AnsibleRun,
  { paths }: Inventories,
): Promise<AnsibleEnvironment> {
  const { machine, signal } = place;
  const options = { cwd: run.cwd, env: run.env, timeoutMs: probeTimeoutMs, signal };
  const ran = await machine.run(buildPythonProbe(run.bin, paths), options).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return undefined;
  });
  const events = (ran?.stdout ?? "").split("\n").flatMap((line) => parsePlaybookLine(line) ?? []);
  return chooseEnvironment(
    events.flatMap((event) => (event.kind === "result" ? (findPythonVersion(event.output) ?? []) : [])),
  );
}

/** ssh would keep them for a minute: a connection that stands asks nobody for its key, and nobody needs it any more. */
async function closeConnections({ machine }: PlaybookPlace, folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.isSocket()))
    await machine
      .run(["ssh", "-F", "none", "-S", join(folder, name), "-O", "exit", "sesta"], {
        timeoutMs: closeTimeoutMs,
      })
      .catch(() => undefined);
}

async function play(
  { signal }: PlaybookPlace,
  { bin, env, cwd }: AnsibleRun,
  playbook: string,
  { paths }: Inventories,
  { onEvent }: PlaybookWatch,
): Promise<Seen> {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const pipe = openPipe(buildPlaybook(bin, playbook, paths), { env: Object.fromEntries(given), cwd, signal });
  pipe.stdin.end();
  const events: PlaybookEvent[] = [];
  for await (const line of createInterface({ input: pipe.stdout, crlfDelay: Infinity })) {
    const event = parsePlaybookLine(redact(line));
    if (event === undefined) continue;
    events.push(event);
    onEvent(event);
  }
  const { exitCode, stderr } = await pipe.ended;
  if (signal.aborted) {
    const reason: unknown = signal.reason;
    throw reason instanceof SestaError ? reason : new SestaError("INTERRUPTED", "The playbook was stopped");
  }
  return { playbook, exitCode, events, stderr };
}

/** An inventory may be a folder. */
async function requireThere(path: string, asFile: boolean): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() || (found && !asFile)) return;
  throw new SestaError("PLAYBOOK_FAILED", "There is no such file", {
    where: path,
    hint: "Name a playbook, as in `sesta run --playbook configure.yaml --inventory inventory.yaml`.",
  });
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
