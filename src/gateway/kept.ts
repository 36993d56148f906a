// What the doors ask of the project's state for every request, held in memory until it changes.
import type { Password, PlacedWorkload, ProjectState } from "../state/project-state.ts";

export type Kept = {
  /** Placed workloads, and those that are being placed or taken away, by name. */
  placed(): ReadonlyMap<string, PlacedWorkload>;
  passwords(): ReadonlyMap<string, Password>;
  /** The workload that each run's token opens, by SHA-256 in hexadecimal. */
  runTokens(): ReadonlyMap<string, string>;
  /** Reads the state again, after this process or another has changed it. */
  refresh(): void;
};

export function createKept(state: ProjectState): Kept {
  const read = () => ({
    placed: new Map(state.listWorkloads().map((workload) => [workload.name, workload])),
    passwords: state.listPasswords(),
    runTokens: state.listRunTokens(),
  });
  let now = read();
  return {
    placed: () => now.placed,
    passwords: () => now.passwords,
    runTokens: () => now.runTokens,
    refresh: () => void (now = read()),
  };
}
