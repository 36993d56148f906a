// A machine whose agent brings a project's workloads to life: what local and SSH differ in.
import type { Clock } from "../../base/clock.ts";
import type { AgentConnection } from "../../machine/agent-connection.ts";
import type { Machine } from "../../machine/machine.ts";
import type { MachinePlaces } from "../../model/agent-protocol.ts";
import type { ProjectState } from "../../state/project-state.ts";
import type { Disk } from "./disk.ts";

export type AgentHost = {
  /** The target, as the project file calls it. */
  name: string;
  /** How sentences name the machine: "this machine". */
  title: string;
  price: string;
  machine: Machine;
  disk: Disk;
  agent: AgentConnection;
  /** What the agent must have been built from, known to whoever puts it there. */
  build?: () => Promise<string>;
  /** What the agent needs there and the machine does not have by itself. */
  own?: {
    /** "Node, for the agent" */
    what: string;
    /** Exists when it is there. */
    path(): Promise<string>;
    make(detail: (text: string) => void): Promise<void>;
  };
  /** @throws SestaError when the machine cannot be reached */
  folders(): Promise<HostFolders>;
  /** The same as people write them, without asking; a machine that has none cannot be gone. */
  unseen?: HostFolders;
  /** What kind of machine it is. */
  kind: Omit<MachinePlaces, "environment" | "workspace">;
  /** Other copies of the project, on other computers, may use the same folders and agent. */
  shared: boolean;
  state: ProjectState;
  clock: Clock;
  /** Ends long work when the user does. */
  signal: AbortSignal;
};

/** Absolute, on the machine. */
export type HostFolders = {
  /** What workspaces are relative to. */
  project: string;
  /** Where Sesta keeps what is the project's. */
  sesta: string;
  /** Where Sesta keeps what projects share: an installed uv. */
  cache: string;
  /** One that exists, on the disk of the workspaces. */
  disk: string;
};
