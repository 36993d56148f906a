// One step of a longer work, told as it begins, goes on and ends.
import type { Progress, Stage } from "../model/plan.ts";

/** The same, of steps that belong to a stage. */
export function inStage(on: Progress, stage: Stage): Progress {
  return (event) => on({ ...event, stage });
}

export async function runStep<T>(
  on: Progress,
  workload: string,
  title: string,
  work: (detail: (text: string) => void) => Promise<T>,
): Promise<T> {
  let last: string | undefined;
  const detail = (text: string) => {
    last = text;
    on({ workload, step: title, state: "running", detail: text });
  };
  on({ workload, step: title, state: "running" });
  const result = await work(detail);
  on({ workload, step: title, state: "done", ...(last !== undefined && { detail: last }) });
  return result;
}
