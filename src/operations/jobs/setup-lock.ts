// One command of this project at a time changes what is prepared on a machine.
import type { Progress } from "../../model/plan.ts";
import { waitForLock } from "../../state/lock.ts";
import type { Context } from "../context.ts";

/** @returns also whether another one had to be waited for, after which all may be otherwise */
export async function waitForSetup(
  { world, folder }: Context,
  machine: string,
  workload: string,
  on: Progress,
): Promise<{ waited: boolean; release(): void }> {
  let waited = false;
  const { release } = await waitForLock(
    `${folder}/setup-${machine.replace(/[^A-Za-z0-9.-]/g, "_")}`,
    { verb: "run", pid: world.pid, since: world.clock.now() },
    world.signal,
    (who) => {
      waited = true;
      on({ workload, step: "setup", state: "running", detail: `waiting: ${who} sets up the same machine` });
    },
  );
  return { waited, release };
}
