// What the user's ansible.cfg says that Sesta has to know, since variables of its own would go over it.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

export type AnsibleConfig = {
  /** A key of the user's is named. */
  namesKey: boolean;
  sshArgs?: string | undefined;
  sshCommonArgs?: string | undefined;
};

/** @param folder that Ansible runs in @param env that it is given */
export async function readAnsibleConfig(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AnsibleConfig> {
  const text = await readFirst(folder, env);
  // A line that is set in deeper goes on with the value.
  const find = (key: string) =>
    new RegExp(`^([ \\t]*)${key}[ \\t]*[=:][ \\t]*(.*(?:\\n\\1[ \\t]+\\S.*)*)`, "m").exec(text)?.[2];
  const value = (key: string) =>
    find(key)
      ?.replaceAll(/\s+;.*$/gm, "")
      .replaceAll(/\s*\n\s*/g, " ")
      .trim();
  return {
    namesKey: find("private_key_file") !== undefined,
    sshArgs: value("ssh_args"),
    sshCommonArgs: value("ssh_common_args"),
  };
}

/** Ansible reads the first that there is (docs.ansible.com: Ansible Configuration Settings). */
async function readFirst(folder: string, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const named = env["ANSIBLE_CONFIG"];
  const home = env["HOME"];
  const places = [
    ...(named === undefined ? [] : [(await isFolder(named)) ? join(named, "ansible.cfg") : named]),
    join(folder, "ansible.cfg"),
    ...(home === undefined ? [] : [join(home, ".ansible.cfg")]),
    "/etc/ansible/ansible.cfg",
  ];
  for (const path of places) {
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text !== undefined) return text;
  }
  return "";
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
