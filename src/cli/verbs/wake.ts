// `sesta wake`: wakes a workload and waits until it answers.
import { wake as wakeUp } from "../../operations/wake.ts";
import { getStatus } from "../../operations/status.ts";
import { createReporter } from "../progress.ts";
import type { Verb } from "../session.ts";

export const wake: Verb<object, [string]> = async (session, flags, name) => {
  const { terminal, world } = session;
  const context = await session.open();
  const reporter = createReporter(terminal, world.clock);
  const began = world.clock.monotonic();
  try {
    const report = await wakeUp(context, name, ({ state, phase }) =>
      reporter.show(`${name}: ${phase ?? state}`),
    );
    reporter.end();
    const url = (await getStatus(context)).workloads.find((workload) => workload.name === name)?.url ?? null;
    const seconds = (world.clock.monotonic() - began) / 1000;
    if (flags.json) return session.json({ name, state: report.state, url, seconds });
    terminal.out(`${name} is awake after ${seconds.toFixed(1)} s: ${url}\n`);
  } finally {
    reporter.end();
  }
};
