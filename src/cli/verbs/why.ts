// `sesta why`: why a workload is in its state, what was seen last, and when it would sleep.
import { explain } from "../../operations/why.ts";
import { formatMs, formatTime } from "../durations.ts";
import type { Verb } from "../session.ts";

export const why: Verb<object, [string]> = async (session, flags, name) => {
  const context = await session.open();
  const found = await explain(context, name);
  if (flags.json) return session.json(found);
  const { terminal, world } = session;
  const now = world.clock.now();
  const lines = [
    found.state === "absent"
      ? `${name} is absent: ${found.why}`
      : `${name} is ${found.state}, for ${formatMs(now - Date.parse(found.since))}: ${found.why}`,
    ...(found.last_use
      ? [`last use: ${found.last_use.source}, ${formatMs(now - Date.parse(found.last_use.at))} ago`]
      : []),
    ...(found.sleeps_at
      ? [
          `sleeps in ${formatMs(Date.parse(found.sleeps_at) - now)}, at ${formatTime(Date.parse(found.sleeps_at))}, unless it is used`,
        ]
      : []),
    ...found.log_tail.map((line) => `  ${line}`),
  ];
  terminal.out(`${lines.join("\n")}\n`);
};
