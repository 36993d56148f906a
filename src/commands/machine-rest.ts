// How a machine is told to suspend or to power off.
import type { MachineRest } from "../model/agent-protocol.ts";

type Argv = readonly [program: string, ...operands: string[]];

/** Without a question: a user whom sudo would ask for a password is refused at once (sudo(8), -n). */
export function buildMachineRest(how: MachineRest, isRoot: boolean): Argv {
  return isRoot ? ["systemctl", how] : ["sudo", "-n", "systemctl", how];
}
