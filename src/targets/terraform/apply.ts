// Applies a saved plan in a process that outlives this one, and follows it: a kill of Sesta ends no apply halfway.
import { open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../../base/atomic-file.ts";
import { buildApply, buildRecorded } from "../../commands/terraform.ts";
import { interrupted } from "../../machine/interrupted.ts";
import { signalGroup, type Identity } from "../../machine/identity.ts";
import { findClaimed, strayMark } from "../../machine/start-detached.ts";
import { endStrays } from "../../machine/strays.ts";
import { explainFailure } from "./explain.ts";
import { listIntents } from "./identity.ts";
import { copyState } from "./keep-state.ts";
import { readEvents } from "./read-event.ts";
import type { ResourceChange } from "./read-plan.ts";
import {
  appliedName,
  buildEnv,
  configName,
  logName,
  type OnEvent,
  type RootContext,
} from "./root-context.ts";

const lookEveryMs = 100;
/** How long one that was interrupted may take to end what it has begun in the cloud. */
const graceMs = 10 * 60_000;

const claimName = "apply";
const exitName = "apply.exit";

/**
 * What is about to be made is written down first.
 * @throws SestaError TERRAFORM, INTERRUPTED
 */
export async function runApply(
  context: RootContext,
  planFile: string,
  changes: readonly ResourceChange[],
  on: OnEvent,
): Promise<void> {
  const { folder, terraform, machine, journal } = context;
  const at = (name: string) => join(folder, name);
  await copyState(folder);
  await writeAtomic(at(appliedName), await readFile(at(configName)));
  journal.save(listIntents(changes));
  for (const old of [claimName, logName, exitName]) await rm(at(old), { recursive: true, force: true });
  const argv = buildRecorded(buildApply(terraform, planFile), at(exitName));
  await machine.start(argv, {
    cwd: folder,
    env: { ...buildEnv(context), [strayMark]: markOf(folder) },
    logFile: at(logName),
    claim: at(claimName),
  });
  await follow(context, on);
  await finish(context);
}

/** One that goes on by itself after Sesta was killed is waited for; how it ended is for `recover` to see. */
export async function settleApply(context: RootContext, on: OnEvent): Promise<void> {
  const { folder, clock } = context;
  if (await findClaimed(join(folder, claimName))) await follow(context, on);
  else await endStrays(clock, markOf(folder), 0);
}

function markOf(folder: string): string {
  return `terraform ${folder}`;
}

/**
 * Its lines as events, and copies of the state as it changes, until it has ended. Providers go on when Terraform is
 * killed, and may make something that nobody has looked for yet: they end with it.
 */
async function follow({ folder, clock, signal }: RootContext, on: OnEvent): Promise<void> {
  const lines = await openLines(join(folder, logName));
  let deadline: number | undefined;
  try {
    for (;;) {
      const living = await findClaimed(join(folder, claimName));
      for (const event of readEvents(await lines.next())) on(event);
      // A net under what Terraform does: where the disk is full, the copy of before is there, and the intents are.
      await copyState(folder).catch(() => undefined);
      if (!living) break;
      if (signal.aborted) deadline = await interrupt(living, deadline, clock.monotonic());
      await clock.sleep(lookEveryMs);
    }
  } finally {
    await lines.close();
  }
  await endStrays(clock, markOf(folder), 0);
}

/** Terraform ends what it has begun after one interrupt, and leaves it halfway after a second. */
async function interrupt(living: Identity, deadline: number | undefined, now: number): Promise<number> {
  if (deadline === undefined) await signalGroup(living, "SIGINT");
  else if (now > deadline) await signalGroup(living, "SIGKILL");
  return deadline ?? now + graceMs;
}

async function finish({ folder, journal, name, terraform, signal }: RootContext): Promise<void> {
  const exit = await readFile(join(folder, exitName), "utf8").catch(() => undefined);
  if (exit?.trim() === "0") return journal.clear();
  if (signal.aborted) throw interrupted(`${terraform} apply`, signal);
  const log = await readFile(join(folder, logName), "utf8").catch(() => "");
  throw explainFailure(name, [terraform, "apply"], log);
}

/** Whole lines of a file that grows, as they come. */
async function openLines(path: string) {
  const file = await open(path, "r");
  let offset = 0;
  let rest = Buffer.alloc(0);
  return {
    async next(): Promise<string> {
      const { size } = await stat(path);
      if (size <= offset) return "";
      const fresh = Buffer.alloc(size - offset);
      const { bytesRead } = await file.read(fresh, 0, fresh.length, offset);
      offset += bytesRead;
      const all = Buffer.concat([rest, fresh.subarray(0, bytesRead)]);
      const end = all.lastIndexOf(0x0a) + 1;
      rest = Buffer.from(all.subarray(end));
      return all.subarray(0, end).toString("utf8");
    },
    close: () => file.close(),
  };
}
