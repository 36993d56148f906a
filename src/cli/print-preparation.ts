// Shows what a job's machines still need, before it is done.
import { listNotes, type Preparation } from "../operations/jobs/prepare.ts";
import type { Terminal } from "./terminal.ts";

export function printPreparation(preparation: Preparation, { err, paint }: Terminal): void {
  const { job, machines, playbook } = preparation;
  if (playbook && !playbook.isDone)
    err(`${paint("green", "+")} ${playbook.title}${paint("yellow", "  (as it says)")}\n`);
  for (const { host, pending } of machines) {
    const { name } = host.machine;
    if (pending.length === 0) {
      err(`  ${paint("bold", job.name)} on ${name}: ready\n`);
      continue;
    }
    err(`${paint("green", "+")} ${paint("bold", job.name)} on ${name}\n`);
    for (const { title, touchesSystem } of pending) {
      err(`    ${title}${touchesSystem ? paint("yellow", "  (changes the system)") : ""}\n`);
    }
  }
  for (const note of listNotes(preparation)) err(`  ${paint("yellow", "!")} ${note}\n`);
}
