// The ports of workloads on a host, carried here for the front door: each once, as long as its process is the same.
import { connect } from "node:net";
import type { Forward, Machine } from "../../machine/machine.ts";
import type { DoorAddress } from "../../model/agent-protocol.ts";

type Carried = { port: number; forward: Promise<Forward> };

/** @param ask for where the process is on the host */
export function createDoors(
  machine: Pick<Machine, "forward">,
  ask: (name: string) => Promise<DoorAddress | null>,
) {
  const carried = new Map<string, Carried>();

  const drop = (name: string): void => {
    const old = carried.get(name);
    carried.delete(name);
    old?.forward.then((forward) => forward.close()).catch(() => undefined);
  };
  const carry = async (name: string, port: number): Promise<Forward> => {
    const present = carried.get(name);
    if (present?.port === port) {
      const forward = await present.forward;
      if (await leadsSomewhere(forward)) return forward; // else its connection broke: not waited for
    }
    if (carried.get(name) !== present) return carry(name, port); // somebody else has just done it
    drop(name);
    const forward = machine.forward({ port }, "path"); // a port would be there for every user of this machine
    carried.set(name, { port, forward });
    forward.catch(() => carried.get(name)?.forward === forward && carried.delete(name));
    return forward;
  };

  return {
    /** Null while its process does not run. @throws SestaError SSH_CONNECTION, AGENT_UNREACHABLE */
    async find(name: string): Promise<DoorAddress | null> {
      const there = await ask(name);
      if (!there) {
        drop(name);
        return null;
      }
      const { path } = await carry(name, there.port);
      return { ...there, ...(path !== undefined && { path }) };
    },
  };
}

function leadsSomewhere({ path }: Forward): Promise<boolean> {
  if (path === undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    const socket = connect(path);
    socket
      .once("error", () => resolve(false))
      .once("connect", () => {
        socket.destroy();
        resolve(true);
      });
  });
}
