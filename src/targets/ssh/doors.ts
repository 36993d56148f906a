// The ports of workloads on a host, carried here for the front door: each once, as long as its process is the same.
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
  const carry = (name: string, port: number): Promise<Forward> => {
    const present = carried.get(name);
    if (present?.port === port) return present.forward;
    drop(name);
    const forward = machine.forward({ port });
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
      const { port, path } = await carry(name, there.port);
      return {
        ...there,
        ...(port !== undefined && { port }),
        ...(path !== undefined && { path }),
      };
    },
  };
}
