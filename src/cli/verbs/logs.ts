// `sesta logs`: what a workload printed; `-f` goes on until Ctrl-C.
import { errorCodes } from "../../base/error-codes.ts";
import { readLogs } from "../../operations/logs.ts";
import type { Verb } from "../session.ts";

type Flags = { follow?: boolean | undefined; lines: number };

export const logs: Verb<Flags, [string]> = async (session, flags, name) => {
  const context = await session.open();
  const lines: string[] = [];
  for await (const text of readLogs(context, name, flags)) {
    if (!flags.json) session.terminal.out(text);
    else if (flags.follow) session.json({ name, lines: split(text) });
    else lines.push(...split(text));
  }
  if (flags.json && !flags.follow) session.json({ name, lines });
  if (flags.follow) session.exitCode = errorCodes.INTERRUPTED.exit;
};

function split(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}
