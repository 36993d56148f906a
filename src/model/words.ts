// The words of the design as types: what kinds of workload there are and which states they pass through.

export const workloadTypes = ["lab", "job", "service", "tracker"] as const;
export type WorkloadType = (typeof workloadTypes)[number];

export const targetTypes = ["local", "ssh", "aws", "gcp"] as const;
export type TargetType = (typeof targetTypes)[number];

export const states = ["absent", "asleep", "waking", "awake", "sleeping", "failed"] as const;
export type State = (typeof states)[number];
