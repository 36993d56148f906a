// `sesta sleep`: puts a workload to sleep and waits until nothing of it runs.
import { sleep as putToSleep } from "../../operations/wake.ts";
import {
  adviseHeld,
  buildSaveStatus,
  describeHeld,
  describeOwed,
  isoOf,
} from "../../operations/save-words.ts";
import { createReporter, type Reporter } from "../progress.ts";
import type { Verb } from "../session.ts";

export const sleep: Verb<object, [string]> = async (session, flags, name) => {
  const { terminal, world } = session;
  const context = await session.open();
  const reporter = createReporter(terminal, world.clock);
  const steps = createSteps(reporter, name);
  try {
    const report = await putToSleep(context, name, ({ state, phase }) =>
      steps.show(state === "sleeping" ? phase : null),
    );
    reporter.end();
    const { state, save, why } = report;
    // Somebody opened it meanwhile, or it may not sleep with what only this machine has.
    if (state === "awake" || state === "waking") session.exitCode = 1;
    if (flags.json) {
      const saved = save && { saved_at: isoOf(save.savedAt), save: buildSaveStatus(save) };
      return session.json({ name, state, ...saved });
    }
    const owed = state === "asleep" && save ? describeOwed(save) : undefined;
    terminal.out(`${name} is ${state}${session.exitCode === 0 ? "" : `: ${why}`}\n`);
    const sign = terminal.paint("yellow", "!");
    if (owed !== undefined)
      terminal.out(`${sign} not everything is at its repository: ${owed}; its files are on this machine\n`);
    else if (save?.held) terminal.out(`${sign} ${describeHeld(save.held)}; ${adviseHeld(name)}\n`);
  } finally {
    reporter.end();
  }
};

/** Each phase on the way as a step with its time. */
function createSteps(reporter: Reporter, workload: string) {
  let current: string | null = null;
  return {
    show(phase: string | null): void {
      if (phase === current) return;
      if (current !== null) reporter.step({ workload, step: current, state: "done" });
      current = phase;
      if (phase !== null) reporter.step({ workload, step: phase, state: "running" });
    },
  };
}
