// The keys of hosts: seen before anybody logs in, pinned by the project, and compared by ssh from then on.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { buildKeyProbe, buildLookup } from "../../commands/ssh.ts";
import { makePrivateFolder, writeAtomic } from "../../base/atomic-file.ts";
import { SestaError, systemCode } from "../../base/errors.ts";
import { buildSshEnv, resolveRoute, runHere, type SshAccess } from "./access.ts";
import { lastLine } from "./failure.ts";

export type HostKey = {
  /** As known_hosts has it, under the name that the project gives the host. */
  line: string;
  /** As in "SHA256:… (ED25519)". */
  fingerprint: string;
  /** The user's own known_hosts has this very key for the host. */
  knownToUser: boolean;
};

/**
 * Asks the host for its key, through jump hosts too, without logging in to it.
 * @throws SestaError SSH_CONNECTION when it shows none
 */
export async function findHostKey(access: SshAccess): Promise<HostKey> {
  const folder = await mkdtemp(join(tmpdir(), "sesta-key-"));
  try {
    const file = join(folder, "known_hosts");
    const probed = await runHere(buildKeyProbe(resolveRoute(access), file), buildSshEnv(access));
    const line = (await readLines(file))[0];
    if (line === undefined) {
      throw new SestaError("SSH_CONNECTION", `${access.host.name} shows no key: ${lastLine(probed.stderr)}`, {
        hint: `Try \`ssh ${access.host.host}\`.`,
      });
    }
    const fingerprint = await readFingerprint(file, access);
    return { line, fingerprint, knownToUser: await isKnownToUser(line, access) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whether the project knows a key of this host. */
export async function isPinned({ host, stateFolder }: SshAccess): Promise<boolean> {
  return (await readLines(join(stateFolder, "known_hosts"))).some((line) => isOf(line, host.name));
}

/** From now on the host must show this key; one that was pinned before goes. @param line of `findHostKey` */
export async function pinHostKey({ host, stateFolder }: SshAccess, line: string): Promise<void> {
  const file = join(stateFolder, "known_hosts");
  const kept = (await readLines(file)).filter((other) => !isOf(other, host.name));
  await makePrivateFolder(stateFolder);
  await writeAtomic(file, [...kept, line, ""].join("\n"));
}

/** The next key that it shows is pinned: it is another machine by now. */
export async function unpinHostKey({ host, stateFolder }: SshAccess): Promise<void> {
  const file = join(stateFolder, "known_hosts");
  const present = await readLines(file);
  const kept = present.filter((other) => !isOf(other, host.name));
  if (kept.length < present.length) await writeAtomic(file, [...kept, ""].join("\n"));
}

/** The hard stop for a host whose key is another one than the project's. */
export async function describeChangedKey(access: SshAccess): Promise<SestaError> {
  const { host, stateFolder } = access;
  const file = join(stateFolder, "known_hosts");
  const [pinned, shown] = await Promise.all([
    readPinnedFingerprint(access),
    findHostKey(access).then(
      ({ fingerprint }) => fingerprint,
      () => undefined,
    ),
  ]);
  return new SestaError(
    "HOST_KEY_CHANGED",
    `${host.name} shows another key than the one that the project pinned. It may be another machine, or somebody in between`,
    {
      problems: [
        ...(pinned === undefined ? [] : [`pinned: ${pinned}`]),
        ...(shown === undefined ? [] : [`shown: ${shown}`]),
      ],
      hint: `Ask whoever runs ${host.name} for its fingerprint. If it is the new one, remove the line of ${host.name} from ${file} and try again.`,
    },
  );
}

/** The refusal to connect to a host whose key nobody confirmed. */
export function describeUnknownKey({ host }: SshAccess): SestaError {
  return new SestaError(
    "HOST_KEY_UNKNOWN",
    `The key of ${host.name} has not been confirmed for this project`,
    {
      hint: "Run `sesta up`, which shows it and asks.",
    },
  );
}

async function readPinnedFingerprint(access: SshAccess): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "sesta-key-"));
  try {
    const pinned = await readLines(join(access.stateFolder, "known_hosts"));
    const line = pinned.find((one) => isOf(one, access.host.name));
    if (line === undefined) return undefined;
    await writeAtomic(join(folder, "known_hosts"), `${line}\n`);
    return await readFingerprint(join(folder, "known_hosts"), access);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** ssh-keygen prints bits, fingerprint, comment and kind. */
async function readFingerprint(file: string, access: SshAccess): Promise<string> {
  const { stdout } = await runHere(["ssh-keygen", "-l", "-f", file], buildSshEnv(access));
  const [, fingerprint, kind] = /^\d+ (\S+) .*(\([\w-]+\))$/m.exec(stdout) ?? [];
  return fingerprint === undefined ? "of a kind that ssh-keygen does not know" : `${fingerprint} ${kind}`;
}

async function isKnownToUser(line: string, access: SshAccess): Promise<boolean> {
  const env = buildSshEnv(access);
  const { stdout } = await runHere(buildLookup(resolveRoute(access)), env);
  const said = (key: string) => new RegExp(`^${key} (.+)$`, "m").exec(stdout)?.[1];
  const host = said("hostkeyalias") ?? said("hostname") ?? access.host.host;
  const port = said("port") ?? "22";
  const files = (said("userknownhostsfile") ?? "~/.ssh/known_hosts").split(" ");
  const name = port === "22" || said("hostkeyalias") !== undefined ? host : `[${host}]:${port}`;
  for (const file of files) {
    const path = file.replace(/^~(?=\/)/, homedir());
    const found = await runHere(["ssh-keygen", "-F", name, "-f", path], env);
    if (found.stdout.split("\n").some((one) => keyOf(one) === keyOf(line))) return true;
  }
  return false;
}

function isOf(line: string, name: string): boolean {
  return line.split(" ")[0]?.toLowerCase() === name.toLowerCase();
}

function keyOf(line: string): string {
  return line.split(" ").slice(1, 3).join(" ");
}

async function readLines(file: string): Promise<string[]> {
  try {
    return (await readFile(file, "utf8")).split("\n").filter((line) => line.trim() !== "");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}
