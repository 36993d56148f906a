// What an agent keeps of a workload that it hears of for the first time.
import type { Clock } from "../base/clock.ts";
import type { AgentState, Supervised } from "../state/agent-state.ts";

/** Known from now on, asleep. */
export function register(
  context: { clock: Clock; state: AgentState },
  launch: Supervised["launch"],
  places: Supervised["places"],
): Supervised {
  const since = context.clock.now();
  const workload = { name: launch.name, launch, places, start: null };
  const why = launch.service
    ? "It was brought up and waits for its first release."
    : "It was brought up and waits to be woken.";
  context.state.change(
    { ...workload, state: "asleep", since, why },
    { at: since, workload: launch.name, from: "absent", to: "asleep", why, by: "owner" },
  );
  return { ...workload, state: "asleep", since, why };
}
