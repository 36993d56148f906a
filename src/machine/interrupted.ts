// What an abort makes of a running command.
import { SestaError } from "../base/errors.ts";

/** The reason that the signal was given, when it is an error for the user. */
export function interrupted(program: string, signal: AbortSignal | undefined): SestaError {
  const reason: unknown = signal?.reason;
  return reason instanceof SestaError ? reason : new SestaError("INTERRUPTED", `${program} was stopped`);
}
