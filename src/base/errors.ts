// The error that a user can cause or mend: what failed, where, and one thing to do.
import type { ErrorCode } from "./error-codes.ts";

export type ErrorDetails = {
  /** One action to try, a full sentence or a command. */
  hint?: string | undefined;
  cause?: unknown;
  /** File with line and column, host, or command; printed before the message. */
  where?: string | undefined;
  /** Several findings of one kind, each printed on its own line. */
  problems?: readonly string[] | undefined;
};

export class SestaError extends Error {
  override readonly name = "SestaError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly where: string | undefined;
  readonly problems: readonly string[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.where = details.where;
    this.problems = details.problems ?? [];
  }
}

/** The `code` of a Node system error (`ENOENT`, `EADDRINUSE`, …), if it is one. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
