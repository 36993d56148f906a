// What will happen before it does, how it is going while it does, and what is left afterwards.
import type { Launch } from "./launch.ts";

/** To forget: what is on its machine stays there, the project's record of it goes. */
export type Action = "create" | "change" | "destroy" | "forget" | "none";

export type Plan = {
  name: string;
  target: string;
  action: Action;
  /** Undefined when it is to be taken away. */
  wanted: Launch | undefined;
  /** One line each, in order. */
  steps: readonly string[];
  /** What stays behind when it is taken away. */
  keeps: readonly string[];
  /** What people should know before they say yes. */
  warnings: readonly string[];
  /** In words: "free, on this machine". */
  price: string;
  /** Of what was found when the plan was made; applying refuses when it has changed. */
  basis: string;
};

export type Progress = (event: ProgressEvent) => void;
export type ProgressEvent = {
  workload: string;
  step: string;
  state: "running" | "done" | "failed";
  detail?: string;
  /** The part of bringing something up or taking it away that the step belongs to. */
  stage?: Stage;
};

export type Stage = "Provisioning" | "Configuration" | "Destroying";

export type Placed = { kind: "placed"; name: string; unchanged: boolean };

/** The proof of a destroy: what is gone and what remains. */
export type Receipt = {
  kind: "receipt";
  name: string;
  removed: readonly string[];
  remains: readonly string[];
};
