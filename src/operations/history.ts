// The record of every change of state and of every use, gathered from the agents that saw them.
import { SestaError } from "../base/errors.ts";
import type { AgentConnection } from "../machine/agent-connection.ts";
import type { Change, UseSpan } from "../model/status.ts";
import type { Target } from "../targets/target.ts";
import type { Context } from "./context.ts";
import { requireKnown } from "./plan.ts";

export type History = { changes: Change[]; uses: UseSpan[] };

/**
 * Oldest first; a use that goes on ends now.
 * @throws SestaError UNKNOWN_WORKLOAD for a name that nobody has or had
 */
export async function listHistory(context: Context, name?: string): Promise<History> {
  const { state, targets } = context;
  const synced = await syncHistory(context, targets.inUse());
  const going = await Promise.all(
    synced.map(({ agent, instance }) =>
      agent.call("uses", { after: state.lastUseSeq(instance), open: true }),
    ),
  );
  const chosen = going.flat().filter(({ workload }) => name === undefined || workload === name);
  const found = { changes: state.listChanges(name), uses: [...state.listUses(name), ...chosen] };
  if (name !== undefined && found.changes.length + found.uses.length === 0) requireKnown(context, name);
  return found;
}

type Synced = { agent: AgentConnection; instance: string };

/** Takes over what agents recorded while no gateway listened. @returns those that could be asked */
export async function syncHistory({ state }: Context, targets: readonly Target[]): Promise<Synced[]> {
  const asked = targets.map(async ({ agent }): Promise<Synced[]> => {
    const instance = (await agent.findHello().catch(undefinedWhenFar))?.instance;
    if (instance === undefined) return [];
    for (const change of await agent.call("changes", { after: state.lastSeq(instance) }))
      state.addChange(instance, change);
    for (const span of await agent.call("uses", { after: state.lastUseSeq(instance) }))
      state.addUse(instance, span);
    return [{ agent, instance }];
  });
  return (await Promise.all(asked)).flat();
}

/** Of a machine that cannot be reached, what is known already is shown. */
function undefinedWhenFar(error: unknown): undefined {
  if (error instanceof SestaError && error.code === "SSH_CONNECTION") return undefined;
  throw error;
}
