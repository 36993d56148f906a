// What the doors ask of the project's state for every request, held in memory until it changes.
import type { Password, PlacedWorkload, ProjectState } from "../state/project-state.ts";

export type Kept = {
  /** Placed workloads, and those that are being placed or taken away, by name. */
  placed(): ReadonlyMap<string, PlacedWorkload>;
  passwords(): ReadonlyMap<string, Password>;
  /** Reads the state again, after this process or another has changed it. */
  refresh(): void;
};

export function createKept(state: ProjectState): Kept {
  const read = () => ({
    placed: new Map(state.listWorkloads().map((workload) => [workload.name, workload])),
    passwords: state.listPasswords(),
  });
  let now = read();
  return {
    placed: () => now.placed,
    passwords: () => now.passwords,
    refresh: () => void (now = read()),
  };
}
