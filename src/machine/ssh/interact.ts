// Gives this terminal to a program on the host, or to the user's own shell there.
import { spawn } from "node:child_process";
import { buildTerminalCommand } from "../../commands/remote-shell.ts";
import { buildCommand } from "../../commands/ssh.ts";
import { messageOf, SestaError } from "../../base/errors.ts";
import type { Argv } from "../machine.ts";
import type { Connection } from "./connection.ts";

/** A person's session counts as use, so it goes without the mark of Sesta's own. */
export async function interactRemote(
  { route, env, ensure }: Connection,
  argv: Argv | undefined,
  { cwd, tty }: { cwd?: string; tty: boolean },
): Promise<{ exitCode: number }> {
  await ensure();
  const command = argv === undefined && cwd === undefined ? undefined : buildTerminalCommand(argv, cwd);
  const [ssh, ...operands] = buildCommand(route, command, { tty, alone: true });
  return new Promise((resolve, reject) => {
    const child = spawn(ssh, operands, { env, stdio: "inherit" });
    child.once("error", (error) =>
      reject(new SestaError("COMMAND_FAILED", `ssh could not be run: ${messageOf(error)}`)),
    );
    child.once("close", (code) => resolve({ exitCode: code ?? 128 }));
  });
}
