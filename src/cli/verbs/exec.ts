// `sesta exec NAME -- CMD`: runs a command where a workload is; `sesta ssh NAME`: a shell there.
import process from "node:process";
import { SestaError } from "../../base/errors.ts";
import { openInside } from "../../operations/inside.ts";
import { confirmHosts } from "../confirm-hosts.ts";
import { findWorkload } from "../../model/project.ts";
import type { Argv } from "../../machine/machine.ts";
import type { Context } from "../../operations/context.ts";
import type { Session, Verb } from "../session.ts";

export const exec: Verb<object, string[]> = async (session, _flags, name = "", program, ...operands) => {
  if (program === undefined) {
    throw new SestaError("USAGE", "There is no command to run", {
      hint: `Write it after \`--\`: sesta exec ${name || "NAME"} -- ls -l`,
    });
  }
  await enter(session, name, [program, ...operands]);
};

export const ssh: Verb<object, [string]> = (session, _flags, name) => enter(session, name, undefined);

/** Ends with the command's own code. */
async function enter(session: Session, name: string, argv: Argv | undefined): Promise<void> {
  if (session.flags.json) {
    throw new SestaError("USAGE", "What a command prints is no JSON document", { hint: "Leave --json out." });
  }
  const context = await session.open();
  await confirmFirst(session, context, name);
  const { machine, cwd, wrap } = await openInside(context, name);
  const tty = process.stdin.isTTY === true && process.stdout.isTTY === true;
  // Ctrl-C is for the program: it ends this command too, by ending.
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.removeAllListeners(signal).on(signal, () => undefined);
  const { exitCode } = await machine.interact(argv && wrap(argv, tty), { cwd, tty });
  session.exitCode = exitCode;
}

async function confirmFirst(session: Session, context: Context, name: string): Promise<void> {
  const section = findWorkload(context.project, name);
  if (section) await confirmHosts(session, context, section.target, 1);
}
