// The targets of a project file, as the rest of Sesta sees them.

export type TargetSection = LocalTargetSection | SshTargetSection;

export type LocalTargetSection = {
  type: "local";
  /** How many runs at a time on each machine; undefined: one that asks for GPUs, any number of others. */
  slots?: number;
};

export type SshTargetSection = {
  type: "ssh";
  /** At least one; workloads that need one machine take the first. */
  hosts: readonly HostSection[];
  slots?: number;
  /** Sent before a connection is tried to a machine that does not answer. */
  wake?: { mac: string };
  /** What sleep of a lab does to the machine beside ending the lab. */
  sleep: "none" | "suspend" | "poweroff";
};

export type HostSection = {
  /** How the project speaks of it; also the name under which its key is pinned. */
  name: string;
  /** A name of the user's ssh configuration, or an address. */
  host: string;
  port?: number;
  user?: string;
  /** Path of a private key, `~/` is the home folder; relative to the project's folder. */
  key?: string;
  /** Where the other hosts of a run reach it; without it what ssh calls its host name. */
  address?: string;
};
