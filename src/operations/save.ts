// Saves a workspace now, and waits for the repository's word.
import { SestaError } from "../base/errors.ts";
import type { AgentMethods } from "../model/agent-protocol.ts";
import type { SaveReport } from "../model/save.ts";
import type { PlacedWorkload } from "../state/project-state.ts";
import type { Context } from "./context.ts";
import { requireUp } from "./plan.ts";
import { shareTokens, supplyToken } from "./tokens.ts";

/** A first save of many gigabytes takes as long as the line needs. */
const longestMs = 24 * 3_600_000;

export type OnSave = (report: SaveReport) => void;
export type Saved = { report: SaveReport; confirmed: boolean };

/**
 * @param acceptDeletions records held deletions too
 * @throws SestaError NOT_UP, UNSUPPORTED where nothing is saved, SECRET_MISSING, SECRET_COMMAND
 */
export async function saveNow(
  context: Context,
  name: string,
  acceptDeletions: boolean,
  on: OnSave,
): Promise<Saved> {
  requireSaved(context, name);
  const target = context.targets.of(name);
  await target.agent.ensure();
  await supplyToken(context, name);
  await shareTokens(context, [name]);
  const before = (await target.status(name)).save;
  const stopped = new AbortController();
  void follow(context, name, on, stopped.signal);
  try {
    const report = await callLong(context, "save", { name, acceptDeletions });
    return { report, confirmed: isConfirmed(report, before) };
  } finally {
    stopped.abort();
  }
}

/** @throws SestaError SAVE_REMOTE unless the repository confirmed */
export function requireConfirmed(name: string, { report, confirmed }: Saved): void {
  if (confirmed) return;
  const { problem, needsToken } = report;
  const reason =
    problem?.message ?? (needsToken ? "its token is not known" : "the repository did not confirm");
  throw new SestaError("SAVE_REMOTE", `${name} is not saved: ${reason}`, {
    hint:
      problem?.hint ?? `Run \`sesta why ${name}\` to see what waits; it is sent by itself when it can be.`,
  });
}

/** @throws SestaError UNKNOWN_WORKLOAD, NOT_UP, UNSUPPORTED */
export function requireSaved(context: Context, name: string): PlacedWorkload {
  const placed = requireUp(context, name);
  if (placed.launch.save) return placed;
  if (placed.launch.service)
    throw new SestaError("UNSUPPORTED", `${name} is a service: nothing of it is saved`, {
      hint: `Its files are in your folder; \`sesta releases ${name}\` lists what was deployed of them.`,
    });
  throw new SestaError("UNSUPPORTED", `${name} has no repository to save to`, {
    hint: `Add \`save: { repo: … }\` to it in sesta.yaml, then run \`sesta up ${name}\`.`,
  });
}

/** Without a limit that a long transfer could meet; ends when the user does. */
export async function callLong<M extends keyof AgentMethods>(
  { targets, world }: Context,
  method: M,
  params: AgentMethods[M]["params"] & { name: string },
): Promise<AgentMethods[M]["result"]> {
  const { signal } = world;
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
  });
  const asked = targets.of(params.name).agent.call(method, params, longestMs);
  asked.catch(() => undefined); // nobody waits for it after Ctrl-C
  try {
    return await Promise.race([asked, stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * What was written while it was saved may be owed already; then a newer word of the remote is the sign. Nothing is
 * owed of a workspace without files, though the remote holds nothing.
 */
function isConfirmed(report: SaveReport, before: SaveReport | null): boolean {
  const { problem, needsToken, savedAt, owedSince } = report;
  if (problem || needsToken) return false;
  return owedSince === null || (savedAt !== null && savedAt !== (before?.savedAt ?? null));
}

async function follow(
  { targets, world }: Context,
  name: string,
  on: OnSave,
  signal: AbortSignal,
): Promise<void> {
  try {
    const { agent } = targets.of(name);
    const events = agent.watch(Number.MAX_SAFE_INTEGER, AbortSignal.any([world.signal, signal]));
    for await (const event of events) {
      if ("report" in event && event.report.name === name && event.report.save) on(event.report.save);
    }
  } catch {
    // it only shows; the call itself says what is wrong
  }
}
