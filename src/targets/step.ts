// One step of a longer work, told as it begins, goes on and ends.
import type { Progress } from "../model/plan.ts";

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
