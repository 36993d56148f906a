// The save at the end of `up`: gives the agent its token, brings what the repository holds, and sees that it takes saves.
import { messageOf } from "../base/errors.ts";
import type { Progress } from "../model/plan.ts";
import type { SaveReport } from "../model/save.ts";
import type { Context } from "./context.ts";
import type { ProjectPlan } from "./plan.ts";
import { adviseHeld, countFiles, describeHeld } from "./save-words.ts";
import { requireConfirmed, saveNow } from "./save.ts";
import { shareTokens, supplyTokens } from "./tokens.ts";

/**
 * What has been saved before and is as it was only gets its token.
 * @returns warnings, one sentence each
 * @throws SestaError when a workload was never saved and cannot be; the others have had their turn by then
 */
export async function saveFirst(
  context: Context,
  { plans, away }: Pick<ProjectPlan, "plans" | "away">,
  on: Progress,
): Promise<string[]> {
  const warnings: string[] = [];
  const failures: unknown[] = [];
  for (const plan of plans) {
    const { name, wanted, action } = plan;
    if (!wanted?.save) continue;
    const report = await away.attempt([plan], () => context.targets.of(name).status(name));
    if (!report) continue;
    const { save: before } = report;
    const wasSaved = before !== null && before.savedAt !== null;
    try {
      const [problem] = await supplyTokens(context, [name]);
      if (problem) throw problem.error;
      await shareTokens(context, [name]);
      if (wasSaved && action === "none" && !before.problem) {
        warnings.push(...describeLeftOut(name, before));
        continue;
      }
      on({ workload: name, step: "save", state: "running", detail: wanted.save.repo });
      const saved = await saveNow(context, name, false, ({ problem: met }) =>
        on({ workload: name, step: "save", state: "running", ...(met && { detail: met.message }) }),
      );
      requireConfirmed(name, saved);
      const { branch } = saved.report;
      on({
        workload: name,
        step: "save",
        state: "done",
        ...(branch !== null && { detail: `on branch ${branch}` }),
      });
      warnings.push(...describeLeftOut(name, saved.report));
    } catch (error) {
      context.world.signal.throwIfAborted();
      if (!wasSaved) failures.push(error);
      else warnings.push(`${messageOf(error)}; what waits is sent when it can be: sesta why ${name}`);
    }
  }
  if (failures.length > 0) throw failures[0];
  return warnings;
}

function describeLeftOut(name: string, { held, setAside }: SaveReport): string[] {
  return [
    ...(held ? [`${name}: ${describeHeld(held)}; ${adviseHeld(name)}`] : []),
    ...(setAside.length > 0
      ? [`${countFiles(setAside.length)} not saved from ${name}: sesta why ${name}`]
      : []),
  ];
}
