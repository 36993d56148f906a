// Begins a backup or a restore with a workload's agent, and follows it to its end.
import { SestaError } from "../../base/errors.ts";
import { findSecret, listTrackers } from "../../model/project.ts";
import type { AgentMethods } from "../../model/agent-protocol.ts";
import { waitsForSleep, type BackupJob } from "../../model/backup.ts";
import type { Progress } from "../../model/plan.ts";
import { resolveSecret } from "../../project/secret.ts";
import type { PlacedWorkload } from "../../state/project-state.ts";
import type { Context } from "../context.ts";
import { secretContext } from "../passwords.ts";
import { requireUp } from "../plan.ts";

const askEveryMs = 100;

/** @throws SestaError UNKNOWN_WORKLOAD, NOT_UP, UNSUPPORTED for what has no data of its own */
export function requireData(context: Context, name: string): PlacedWorkload {
  const placed = requireUp(context, name);
  if (placed.launch.backup) return placed;
  throw new SestaError("UNSUPPORTED", `${name} is a ${placed.type}: only a tracker has backups`, {
    ...(placed.launch.save && { hint: `\`sesta save ${name}\` saves its files.` }),
  });
}

/**
 * The one that the project file names, also where `up` has not taken it over yet: whoever wrote it down expects that
 * nothing goes without it. Null where neither asks for one.
 * @throws SestaError SECRET_MISSING, SECRET_COMMAND
 */
export async function findPassphrase(context: Context, placed: PlacedWorkload): Promise<string | null> {
  const section = listTrackers(context.project).find(({ name }) => name === placed.name);
  const name = section?.backup?.passphrase ?? placed.launch.backup?.passphrase;
  const ref = name === undefined ? undefined : findSecret(context.project, name);
  if (name === undefined) return null;
  if (ref) return resolveSecret(name, ref, secretContext(context));
  throw new SestaError("SECRET_MISSING", `\`secrets:\` has no "${name}", which encrypts the backups`);
}

/**
 * @param putToSleep what a restore asks for before it changes anything
 * @returns the job, which is done; also one that somebody else began
 * @throws SestaError BACKUP_FAILED, BUSY, INTERRUPTED: it goes on without this command
 */
export async function runJob<M extends "backup" | "bringBack">(
  context: Context,
  method: M,
  params: AgentMethods[M]["params"],
  on: Progress,
  putToSleep: () => Promise<void> = () => Promise.resolve(),
): Promise<BackupJob> {
  const { targets, world } = context;
  const { name } = params;
  const { agent } = targets.of(name);
  const step = { workload: name, step: method === "backup" ? "backup" : "restore" };
  const begun: BackupJob = await agent.call(method, params);
  for (let shown: string | null = null; ;) {
    if (world.signal.aborted) throw goesOn(step.step, name);
    const job = await agent.call("backupJob", { name });
    if (job?.id !== begun.id) throw failed(step.step, name, "its agent was started again meanwhile");
    if (job.state === "done") {
      const file = "file" in params ? params.file : job.file;
      on({ ...step, state: "done", ...(file !== null && { detail: file }) });
      return job;
    }
    if (job.state === "failed") {
      on({ ...step, state: "failed", detail: job.why ?? "" });
      throw failed(step.step, name, job.why ?? "it failed");
    }
    if (job.phase !== shown && job.phase === waitsForSleep) await putToSleep();
    if (job.phase !== shown)
      on({ ...step, state: "running", ...(job.phase !== null && { detail: job.phase }) });
    shown = job.phase;
    await world.clock.sleep(askEveryMs, world.signal).catch(() => undefined);
  }
}

function failed(what: string, name: string, why: string): SestaError {
  const message = what === "backup" ? `${name} is not backed up: ${why}` : `${name} is not restored: ${why}`;
  return new SestaError("BACKUP_FAILED", message, {
    hint: what === "backup" ? `\`sesta backup ${name}\` tries it again.` : hintOf(why),
  });
}

function hintOf(why: string): string {
  return /passphrase is another/.test(why)
    ? "Give the passphrase that it was made with, as `passphrase:` under `backup:`, or choose another with --from."
    : "Choose another backup with --from.";
}

function goesOn(what: string, name: string): SestaError {
  return new SestaError("INTERRUPTED", `The ${what} of ${name} goes on without this command`, {
    hint: `\`sesta why ${name}\` says what becomes of it.`,
  });
}
