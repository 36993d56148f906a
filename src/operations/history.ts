// The record of every change of state and of every use, gathered from the agents that saw them.
import type { Change, UseSpan } from "../model/status.ts";
import type { Context } from "./context.ts";
import { requireKnown } from "./plan.ts";

export type History = { changes: Change[]; uses: UseSpan[] };

/**
 * Oldest first; a use that goes on ends now.
 * @throws SestaError UNKNOWN_WORKLOAD for a name that nobody has or had
 */
export async function listHistory(context: Context, name?: string): Promise<History> {
  const { state, target } = context;
  const instance = await syncHistory(context);
  const going =
    instance === undefined
      ? []
      : await target.agent.call("uses", { after: state.lastUseSeq(instance), open: true });
  const chosen = going.filter(({ workload }) => name === undefined || workload === name);
  const found = { changes: state.listChanges(name), uses: [...state.listUses(name), ...chosen] };
  if (name !== undefined && found.changes.length + found.uses.length === 0) requireKnown(context, name);
  return found;
}

/** Takes over what the agent recorded while no gateway listened. Undefined when none runs. */
export async function syncHistory({ target, state }: Context): Promise<string | undefined> {
  const { agent } = target;
  const instance = (await agent.findHello())?.instance;
  if (instance === undefined) return undefined;
  for (const change of await agent.call("changes", { after: state.lastSeq(instance) }))
    state.addChange(instance, change);
  for (const span of await agent.call("uses", { after: state.lastUseSeq(instance) }))
    state.addUse(instance, span);
  return instance;
}
