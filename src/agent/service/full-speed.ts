// Gives an agent that balances requests the compilers that it does without while it only waits.
import { setFlagsFromString } from "node:v8";

let isOn = false;

/**
 * Once for a process. An agent is started without V8's optimizing compilers, which saves memory where it mostly waits; each
 * request of a service runs through code that they make two to three times as fast.
 */
export function runAtFullSpeed(): void {
  if (isOn) return;
  isOn = true;
  for (const flag of ["--opt", "--maglev", "--no-optimize-for-size"]) setFlagsFromString(flag);
}
