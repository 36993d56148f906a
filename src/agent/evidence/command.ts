// Asks the user's own command whether the workload is used.
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import { redact } from "../../base/redact.ts";
import { cleanText } from "../../front/pages/clean-text.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Evidence } from "../idle.ts";

const timeoutMs = 10_000;
const longestAnswer = 80;

/** Remembers a command that does not end, so that there is never more than one of it. */
export function createCommandEvidence(machine: Machine, clock: Clock) {
  let running: Promise<unknown> | undefined;

  /** Exit 0 is use, and the first line it prints is shown; 1 is none; anything else is unknown. */
  return async (command: string, workspace: string): Promise<Evidence[]> => {
    if (running) return unknown("it still runs since it was last asked");
    const answer = machine.run(["/bin/sh", "-c", command], {
      cwd: workspace,
      env: { NODE_COMPILE_CACHE: undefined }, // the agent's own
      timeoutMs,
    });
    running = answer.catch(() => undefined).finally(() => (running = undefined));
    const ran = await orLate(clock, answer).catch((error: unknown) => messageOf(error));
    if (typeof ran === "string") return unknown(ran);
    if (ran.exitCode === 1) return [];
    if (ran.exitCode !== 0) return unknown(`it ended with ${ran.exitCode}`);
    const said = clean(ran.stdout.split("\n", 1)[0] ?? "");
    return [
      { source: `your command says that it is used${said && ` (${said})`}`, at: "now", key: "command" },
    ];
  };
}

// What a command leaves running in the background may hold its output open for ever.
async function orLate<T>(clock: Clock, answer: Promise<T>): Promise<T | string> {
  const done = new AbortController();
  const late = clock.sleep(timeoutMs + 1_000, done.signal).then(
    () => `it did not end within ${timeoutMs / 1_000} s`,
    () => "",
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    done.abort();
  }
}

function unknown(reason: string): Evidence[] {
  const source = `whether your command finds use is unknown (${clean(reason)}); that counts as use`;
  return [{ source, at: "now", key: "command" }];
}

function clean(text: string): string {
  return redact(cleanText(text)).slice(0, longestAnswer);
}
