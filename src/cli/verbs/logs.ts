// `sesta logs`: what a workload printed; `-f` goes on until Ctrl-C.
import { readLogs } from "../../operations/logs.ts";
import type { Verb } from "../session.ts";

type Flags = { follow?: boolean | undefined; lines: number };

export const logs: Verb<Flags, [string]> = async (session, flags, name) => {
  const context = await session.open();
  if (flags.json && !flags.follow) {
    const lines: string[] = [];
    for await (const text of readLogs(context, name, flags)) lines.push(...text.trimEnd().split("\n"));
    return session.json({ name, lines });
  }
  for await (const text of readLogs(context, name, flags)) session.terminal.out(text);
};
