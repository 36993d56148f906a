// Tells the machine to suspend or to power off.
import { buildMachineRest } from "../../commands/machine-rest.ts";
import { SestaError } from "../../base/errors.ts";
import type { Machine } from "../../machine/machine.ts";
import type { MachineRest } from "../../model/agent-protocol.ts";

/** @throws SestaError COMMAND_FAILED, COMMAND_MISSING */
export async function letRest(
  machine: Pick<Machine, "run">,
  how: MachineRest,
  isRoot: boolean,
): Promise<void> {
  const argv = buildMachineRest(how, isRoot);
  const { exitCode, stderr } = await machine.run(argv, { timeoutMs: 60_000 });
  if (exitCode === 0) return;
  throw new SestaError(
    "COMMAND_FAILED",
    `${argv.join(" ")} failed: ${stderr.trim() || `exit code ${exitCode}`}`,
    {
      hint: "Let the user do it without a password in /etc/sudoers, or set `sleep: none`.",
    },
  );
}
