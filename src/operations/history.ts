// The record of every change of state, gathered from the agents that made them.
import type { Change } from "../model/status.ts";
import type { Context } from "./context.ts";

export async function listHistory(context: Context, name?: string): Promise<Change[]> {
  await syncHistory(context);
  return context.state.listChanges(name);
}

/** Takes over what the agent recorded while no gateway listened. */
export async function syncHistory({ target, state }: Context): Promise<void> {
  const hello = await target.agent.findHello();
  if (!hello) return;
  for (const change of await target.agent.call("changes", { after: state.lastSeq(hello.instance) })) {
    state.addChange(hello.instance, change);
  }
}
