// Commands of Ansible: a playbook and what is asked of its machines beforehand, their variables, and an inventory.
import type { HostSection } from "../model/target-section.ts";
import { noKnownHostsCommand } from "./ssh.ts";

type Argv = readonly [program: string, ...operands: string[]];
type Env = Readonly<Record<string, string | undefined>>;

export type AnsibleEnvironment = "current" | "older";

/** The file name of Sesta's callback is its name too. */
export const callbackName = "sesta_lines";

/** @param bin the folder with Ansible's programs @param inventories later ones overrule earlier ones */
export function buildPlaybook(bin: string, playbook: string, inventories: readonly string[]): Argv {
  return [`${bin}/ansible-playbook`, ...named(inventories), "--", playbook];
}

/** Prints the hosts with their variables, as JSON. */
export function buildInventoryList(bin: string, inventories: readonly string[]): Argv {
  return [`${bin}/ansible-inventory`, ...named(inventories), "--list"];
}

/** A shell is all that `raw` needs there, so it answers also where Ansible itself is refused. */
export function buildPythonProbe(bin: string, inventories: readonly string[]): Argv {
  const python =
    "{{ '/usr/bin/python3' if (ansible_python_interpreter | default('auto')) is match('auto') else ansible_python_interpreter }}";
  const say = `'import sys; print("python %d.%d" % sys.version_info[:2])'`;
  const options = ["--timeout", "10", "--forks", "20", "-m", "ansible.builtin.raw", "-a"];
  return [
    `${bin}/ansible`,
    ...named(inventories),
    ...options,
    `${python} -c ${say} || python3 -c ${say}`,
    "all",
  ];
}

/** What a machine answered to the probe, as in "3.8". */
export function findPythonVersion(output: string): string | undefined {
  return /python (\d+\.\d+)/.exec(output)?.[1];
}

/**
 * ansible-core 2.20 and later manage Python 3.9 and later, 2.16 manages 3.6 to 3.12 (docs.ansible.com: ansible-core
 * support matrix).
 * @param versions of the machines that answered
 */
export function chooseEnvironment(versions: readonly string[]): AnsibleEnvironment {
  const isOld = (version: string) => {
    const [major = 0, minor = 0] = version.split(".").map(Number);
    return major < 3 || (major === 3 && minor < 9);
  };
  return versions.some(isOld) ? "older" : "current";
}

/**
 * Whether a machine's Python is too old for the Ansible that said this, in the words of ansible-core 2.20 and later, and
 * of those before; 3.6 does not even parse its modules.
 */
export function refusesPython(message: string): boolean {
  return /requires Python [\d.]+ or newer on the target|requires a minimum of Python|future feature annotations is not defined/i.test(
    message,
  );
}

type AnsibleEnvRequest = {
  /** Of this machine. */
  env: Env;
  /** Of `vars.sh`, then of the caller. */
  vars: Env;
  system: "linux" | "darwin";
  /** With Sesta's callback in it. */
  callbackFolder: string;
  /** For hosts of an inventory that names no key. */
  keyFile?: string | undefined;
  /** Where keys of hosts are pinned. */
  knownHosts: string;
  /** Whether a host that is not pinned yet is let in, and its key pinned. */
  acceptNewKeys: boolean;
  /** What `ansible.cfg` says of ssh's arguments; variables go over it. */
  config?: { sshArgs?: string | undefined; sshCommonArgs?: string | undefined };
};

/** Ansible's own, where nobody says anything (docs.ansible.com: ansible.builtin.ssh, ssh_args). */
const defaultSshArgs = "-C -o ControlMaster=auto -o ControlPersist=60s";

/**
 * The whole environment of Ansible; `undefined` removes a variable. A changed host key is refused whatever `vars.sh`
 * says: what people switch checking off for, the question at the first connection, is never asked. ssh takes the first
 * value of an option, and Ansible gives it the arguments first, the common ones last; those an inventory may replace.
 */
export function buildAnsibleEnv(request: AnsibleEnvRequest): Env {
  const { system, callbackFolder, keyFile, knownHosts, acceptNewKeys, config = {} } = request;
  const given = { ...request.env, ...request.vars };
  const keys = buildKnownHostsOptions(knownHosts, acceptNewKeys ? "accept-new" : "yes");
  const utf8 = system === "darwin" ? "en_US.UTF-8" : "C.UTF-8";
  return {
    ANSIBLE_PIPELINING: "True",
    ...given,
    ...(keyFile === undefined ? {} : { ANSIBLE_PRIVATE_KEY_FILE: keyFile }),
    ANSIBLE_SSH_ARGS: [keys, given["ANSIBLE_SSH_ARGS"] ?? config.sshArgs ?? defaultSshArgs].join(" "),
    ANSIBLE_SSH_COMMON_ARGS: [keys, given["ANSIBLE_SSH_COMMON_ARGS"] ?? config.sshCommonArgs ?? ""].join(" "),
    ANSIBLE_HOST_KEY_CHECKING: "True",
    ANSIBLE_INVENTORY_UNPARSED_FAILED: "True",
    ANSIBLE_STDOUT_CALLBACK: callbackName,
    ANSIBLE_LOAD_CALLBACK_PLUGINS: "True",
    ANSIBLE_CALLBACK_PLUGINS: [callbackFolder, given["ANSIBLE_CALLBACK_PLUGINS"]].filter(Boolean).join(":"),
    ANSIBLE_NOCOLOR: "True",
    ANSIBLE_FORCE_COLOR: undefined,
    ANSIBLE_RETRY_FILES_ENABLED: "False",
    ANSIBLE_DEPRECATION_WARNINGS: "False",
    // Ansible runs in a UTF-8 locale only.
    LC_ALL: [given["LC_ALL"], given["LANG"]].find((one) => /utf-?8/i.test(one ?? "")) ?? utf8,
    // Each start would compile every module anew.
    PYTHONDONTWRITEBYTECODE: undefined,
    PYTHONHOME: undefined,
    PYTHONPATH: undefined,
    VIRTUAL_ENV: undefined,
  };
}

export type InventoryHost = HostSection & { /** Absolute. */ keyFile?: string | undefined };

/**
 * An inventory as JSON, which is YAML too. ssh itself reads the names of the user's configuration.
 * @param hosts or this machine @param groups names under which a playbook may speak of all of them
 */
export function buildInventory(
  hosts: readonly InventoryHost[] | { localPython: string },
  { knownHosts, groups }: { knownHosts: string; groups: readonly string[] },
): string {
  const members =
    "localPython" in hosts
      ? { localhost: { ansible_connection: "local", ansible_python_interpreter: hosts.localPython } }
      : Object.fromEntries(hosts.map((host) => [host.name, buildHost(host, knownHosts)]));
  const names = Object.fromEntries(Object.keys(members).map((name) => [name, {}]));
  // Ansible wants group names to be names of variables, and takes others with a warning: both forms are there.
  const forms = new Set(groups.flatMap((name) => [name, name.replaceAll("-", "_")]));
  const children = Object.fromEntries(
    [...forms]
      .filter((name) => /^[A-Za-z_][\w-]*$/.test(name) && name !== "all")
      .map((name) => [name, { hosts: names }]),
  );
  return `${JSON.stringify({ all: { hosts: members, children } }, null, 2)}\n`;
}

function buildHost({ name, host, port, user, keyFile }: InventoryHost, knownHosts: string) {
  const own = [
    "GlobalKnownHostsFile=/dev/null",
    `HostKeyAlias=${name}`,
    "CheckHostIP=no",
    "UpdateHostKeys=no",
  ];
  return {
    ansible_host: host,
    ...(port !== undefined && { ansible_port: port }),
    ...(user !== undefined && { ansible_user: user }),
    ...(keyFile !== undefined && { ansible_ssh_private_key_file: keyFile }),
    ansible_ssh_common_args: [
      buildKnownHostsOptions(knownHosts, "yes"),
      ...own.map((setting) => `-o ${setting}`),
      ...(keyFile === undefined ? [] : ["-o IdentitiesOnly=yes"]),
    ].join(" "),
  };
}

// Ansible splits it as a shell would, fills in what stands between braces, and ssh reads quotes and `%` in what is left.
function buildKnownHostsOptions(path: string, checking: "yes" | "accept-new"): string {
  const value = `UserKnownHostsFile="${path.replaceAll("%", "%%").replaceAll(/["\\]/g, "\\$&")}"`;
  const settings = [`StrictHostKeyChecking=${checking}`, ...noKnownHostsCommand];
  return [`-o '${value.replaceAll("'", `'"'"'`)}'`, ...settings.map((setting) => `-o ${setting}`)].join(" ");
}

function named(inventories: readonly string[]): string[] {
  return inventories.flatMap((path) => ["--inventory", path]);
}
