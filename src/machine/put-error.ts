// Why files could not be put on a machine, from what it said.
import { SestaError } from "../base/errors.ts";

export function explainPut(stderr: string, to: string, machine: string): SestaError {
  const said = stderr.trim().split("\n").at(-1) ?? "";
  return /No space left|quota/i.test(stderr)
    ? new SestaError("DISK_FULL", `${to} on ${machine} cannot be written: ${said}`, {
        hint: "Free some space there and try again.",
      })
    : new SestaError(
        "TRANSFER",
        `Files could not be written to ${to} on ${machine}: ${said || "the connection broke"}`,
      );
}
