// What a front door must know of the workloads behind it and may ask of them; the gateway and agents provide it.
import type { DoorAddress, UseKind } from "../model/agent-protocol.ts";
import type { WorkloadView } from "../model/view.ts";
import type { Password } from "./gate.ts";

export type Household = {
  project: string;
  list(): readonly WorkloadView[];
  find(name: string): WorkloadView | undefined;
  /** Where the process answers; undefined unless requests may pass to it: awake, or in the first steps of sleep. Holds its token. */
  address(name: string): DoorAddress | undefined;
  /** The secret that guards a workload; undefined where only the owner enters. */
  secretOf(name: string): string | undefined;
  passwords(): ReadonlyMap<string, Password>;
  /** Programs come in too, see `programs.ts`. */
  admitsPrograms(name: string): boolean;
  /** Whether it is the token of a run that reports to this workload. */
  hasRunToken(name: string, token: string): boolean;
  /** Milliseconds that earlier wakes took, oldest first. */
  earlierWakesMs(name: string): readonly number[];
  wake(name: string, why: string, by: string): Promise<unknown>;
  sleep(name: string, why: string, by: string): Promise<unknown>;
  /** A person asks that it does not sleep yet: a full idle period begins, or it wakes where it is too late. */
  keepAwake(name: string, source: string, by: string): Promise<unknown>;
  /** A person did something just now. */
  used(name: string, source: string, kind: UseKind): void;
  /** Calls back after anything above changed; returns how to end that. */
  onChange(listener: () => void): () => void;
  now(): number;
};
