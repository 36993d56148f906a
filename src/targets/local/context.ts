// What the parts of the local target are given.
import type { Clock } from "../../base/clock.ts";
import type { AgentConnection, AgentPlace } from "../../machine/agent-connection.ts";
import type { Machine } from "../../machine/machine.ts";
import type { ProjectState } from "../../state/project-state.ts";
import type { LocalFolders } from "./layout.ts";

export type LocalContext = {
  /** As the project file calls it. */
  name: string;
  folders: LocalFolders;
  machine: Machine;
  state: ProjectState;
  clock: Clock;
  /** Where Sesta keeps what projects share: an installed uv. */
  cacheFolder: string;
  agentCommand: AgentPlace["command"];
  /** The environment of the agent and so of everything it starts, without the project's secrets. */
  agentEnv: NodeJS.ProcessEnv;
  /** Ends long work when the user does. */
  signal: AbortSignal;
};

export type Local = LocalContext & { agent: AgentConnection };
