// `sesta sleep`: puts a workload to sleep and waits until nothing of it runs.
import { sleep as putToSleep } from "../../operations/wake.ts";
import { createReporter } from "../progress.ts";
import type { Verb } from "../session.ts";

export const sleep: Verb<object, [string]> = async (session, flags, name) => {
  const { terminal, world } = session;
  const context = await session.open();
  const reporter = createReporter(terminal, world.clock);
  try {
    const report = await putToSleep(context, name, ({ state, phase }) =>
      reporter.show(`${name}: ${phase ?? state}`),
    );
    reporter.end();
    if (flags.json) return session.json({ name, state: report.state });
    terminal.out(`${name} is ${report.state}\n`);
  } finally {
    reporter.end();
  }
};
