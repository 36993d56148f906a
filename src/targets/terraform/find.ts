// How resources that no state knows are found in a cloud: each cloud has its own way.
import type { Intent } from "../../state/intent-state.ts";

/** Of a resource that is there. */
export type FoundResource = {
  address: string;
  /** Under which Terraform imports it. */
  id: string;
};

/** Looks for what was about to be made: each that is there, also one of before that was to be replaced. */
export type FindResources = (wanted: readonly Intent[]) => Promise<readonly FoundResource[]>;
