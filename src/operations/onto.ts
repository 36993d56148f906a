// Brings saves that went aside back to a branch: first what differs, then exactly that.
import type { Comparison } from "../model/agent-protocol.ts";
import { parseRepository } from "../model/repository.ts";
import type { SaveReport } from "../model/save.ts";
import type { Context } from "./context.ts";
import { describeOwed } from "./save-words.ts";
import { callLong, requireSaved } from "./save.ts";
import { supplyToken } from "./tokens.ts";

export type Shown = {
  comparison: Comparison;
  /** Saves go there already, and it has all of them. */
  done: SaveReport | null;
  /** The branch that saves went to instead; it stays in the repository. */
  beside: { branch: string; deletion: string } | null;
};

/** Changes nothing. @throws SestaError as `saveNow`; USAGE where the repository has no such branch */
export async function compareWith(context: Context, name: string, onto: string): Promise<Shown> {
  const { launch } = requireSaved(context, name);
  await context.targets.of(name).agent.ensure();
  await supplyToken(context, name);
  const comparison = await callLong(context, "compare", { name, onto });
  const { save } = await context.targets.of(name).status(name);
  const differs = comparison.ours.length + comparison.theirs.length + comparison.both.length > 0;
  const isThere =
    save !== null && save.branch === onto && save.beside === null && describeOwed(save) === undefined;
  const aside = save !== null && save.beside !== null ? save.branch : null;
  return {
    comparison,
    done: isThere && !differs ? save : null,
    beside:
      aside === null ? null : { branch: aside, deletion: explainDeletion(launch.save?.repo ?? "", aside) },
  };
}

/** The command that deletes a branch of the repository. */
function explainDeletion(repo: string, branch: string): string {
  const found = parseRepository(repo);
  const isPath = "kind" in found && found.kind === "path";
  return isPath
    ? `git --git-dir=${quoteWord(found.path)} branch -D ${branch}`
    : `git push ${quoteWord(repo)} --delete ${branch}`;
}

function quoteWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param tip of the comparison that was shown */
export function saveOnto(context: Context, name: string, onto: string, tip: string): Promise<SaveReport> {
  return callLong(context, "onto", { name, onto, tip });
}
