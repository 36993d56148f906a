// `sesta eject JOB --ansible`: writes a job as a playbook that needs Ansible alone.
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { ejectPlaybook, writePlaybook } from "../../operations/eject.ts";
import type { Verb } from "../session.ts";

type Flags = { ansible?: boolean | undefined; dnf?: boolean | undefined; to?: string | undefined };

export const eject: Verb<Flags, [string]> = async (session, flags, job) => {
  if (!flags.ansible)
    throw new SestaError("USAGE", "Say what it becomes", {
      hint: `As an Ansible playbook: sesta eject ${job} --ansible`,
    });
  const context = await session.open();
  const path =
    flags.to === undefined ? join(context.project.folder, `${job}.playbook.yaml`) : resolve(flags.to);
  const { text, leftOut } = await ejectPlaybook(context, { job, manager: flags.dnf ? "dnf" : "apt", path });
  const shown = relative(".", path).startsWith("..") ? path : relative(".", path);
  if (existsSync(path) && !(await session.confirm(`Write over ${shown}?`, "no"))) return;
  await writePlaybook(path, text);
  if (flags.json) return session.json({ job, playbook: path, left_out: leftOut });
  session.terminal.out(`${shown}\n`);
  const { err, paint } = session.terminal;
  for (const what of leftOut) err(`${paint("yellow", "!")} left out: ${what}\n`);
  const inventory = /^ {2}hosts: localhost$/m.test(text) ? "" : "--inventory inventory.yaml ";
  err(`  ansible-playbook ${inventory}${shown}    runs it without Sesta\n`);
};
