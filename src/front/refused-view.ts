// What a visitor is shown of a workload whose wake was refused, on a full disk for example.
import { messageOf } from "../base/errors.ts";
import type { WorkloadView } from "../model/view.ts";

/** As failed just now, for the reason of the refusal; the workload itself is in the state it was in. */
export function buildRefusedView(view: WorkloadView, error: unknown, now: number): WorkloadView {
  return { ...view, state: "failed", since: now, why: `${messageOf(error)}.`, phase: null, progress: null };
}
