// The one printer of errors: what failed, where, and what to do; a stack only for bugs.
import { findDiskError } from "../base/disk-error.ts";
import { errorCodes } from "../base/error-codes.ts";
import { messageOf, SestaError } from "../base/errors.ts";
import { redact } from "../base/redact.ts";
import { version } from "../base/version.ts";
import type { Terminal } from "./terminal.ts";

/** Prints and returns the exit code. With `json` the error is also the one document on stdout. */
export function printError(thrown: unknown, terminal: Terminal, json: boolean): number {
  const error = thrown instanceof SestaError ? thrown : findDiskError(thrown);
  if (!error) return printBug(thrown, terminal, json);
  const { code, message, where, hint, problems } = error;
  if (json) terminal.out(`${redact(JSON.stringify({ error: { code, message, where, hint, problems } }))}\n`);
  const { paint } = terminal;
  const lines = [
    `${paint("red", "error")}: ${where === undefined ? "" : `${where}: `}${message}`,
    ...problems.map((problem) => `  ${problem}`),
    ...(hint === undefined ? [] : [`${paint("cyan", "try")}: ${hint}`]),
  ];
  terminal.err(`${redact(lines.join("\n"))}\n`);
  return errorCodes[code].exit;
}

function printBug(error: unknown, terminal: Terminal, json: boolean): number {
  const message = messageOf(error);
  if (json) terminal.out(`${redact(JSON.stringify({ error: { code: "INTERNAL", message } }))}\n`);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  terminal.err(redact(`This is a bug in Sesta ${version}; please report it with these lines:\n${stack}\n`));
  return 1;
}
