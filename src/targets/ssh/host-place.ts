// Where things are on a host: what it says of itself, and the folders that follow from that.
import { join } from "node:path/posix";
import { SestaError } from "../../base/errors.ts";
import { socketPathAt } from "../../machine/control-socket.ts";
import type { Machine } from "../../machine/machine.ts";
import { agentHome } from "../agent-host/layout.ts";
import type { HostFolders } from "../agent-host/agent-host.ts";

export type HostPlace = HostFolders & {
  /** The agent's folder, and its socket. */
  agent: string;
  socket: string;
};

// The order in which Node looks for the temporary folder (os.tmpdir).
const script = 'printf "%s\\0%s\\0%s\\0" "$HOME" "$(id -u)" "${TMPDIR:-${TMP:-${TEMP:-/tmp}}}"';

/** @throws SestaError SSH_CONNECTION */
export async function findHostPlace(machine: Machine, project: string): Promise<HostPlace> {
  const { stdout } = await machine.run(["sh", "-c", script]);
  const [home = "", uid = "", temporary = ""] = stdout.split("\0");
  if (!home.startsWith("/")) {
    throw new SestaError("UNSUPPORTED", `${machine.name} gives its user no home folder`, {
      hint: `Give ${machine.name} a user with a home folder, or name another host.`,
    });
  }
  const folders = buildFolders(home, project);
  const agent = agentHome(folders);
  const socket = socketPathAt(agent, "agent", { temporary: temporary.replace(/(.)\/$/, "$1"), uid });
  return { ...folders, agent, socket };
}

/** @param home the user's there, or a name for it */
export function buildFolders(home: string, project: string): HostFolders {
  const cache = join(home, ".sesta");
  return {
    project: join(home, "sesta", project),
    sesta: join(cache, "projects", project),
    cache,
    disk: home,
  };
}
