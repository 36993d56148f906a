// One line that counts workloads by their state.
import type { WorkloadView } from "../../model/view.ts";
import type { State } from "../../model/words.ts";
import { stateWords } from "./describe-row.ts";

const order: readonly State[] = ["failed", "waking", "awake", "sleeping", "asleep", "absent"];

/** "1 awake, 2 asleep", what needs attention first; empty when there are none. */
export function describeSummary(workloads: readonly Pick<WorkloadView, "state">[]): string {
  return order
    .map((state) => ({ state, count: workloads.filter((view) => view.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${stateWords[state].toLowerCase()}`)
    .join(", ");
}
