// Tells which workloads a verb left out because their host is away, and ends it with the code of that failure.
import { errorCodes } from "../base/error-codes.ts";
import type { LeftOut } from "../operations/away.ts";
import type { Session } from "./session.ts";
import type { Terminal } from "./terminal.ts";

export function endLeftOut(session: Session, leftOut: readonly LeftOut[]): void {
  if (leftOut.length === 0) return;
  session.exitCode = errorCodes.SSH_CONNECTION.exit;
  const { err, paint } = session.terminal;
  for (const one of leftOut)
    err(
      `${paint("red", "error")}: ${nameThem(one)} left out: ${one.why}\n${paint("cyan", "try")}: ${one.hint}\n`,
    );
}

/** Among plans, before anybody says yes to them. */
export function printLeftOut(leftOut: readonly LeftOut[], { err, paint }: Terminal): void {
  for (const one of leftOut) err(`${paint("yellow", "!")} ${nameThem(one)} left out: ${one.why}\n`);
}

function nameThem({ names, target }: LeftOut): string {
  return `${names.join(", ")} on ${target} ${names.length === 1 ? "is" : "are"}`;
}
