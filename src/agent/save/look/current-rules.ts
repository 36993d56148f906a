// The rules of a workspace as the project file has them now.
import type { SaveRule } from "../../../model/launch.ts";
import { createIgnoreRules, type IgnoreRules } from "./ignore-rules.ts";

export function createCurrentRules(rule: () => SaveRule, secrets: () => readonly string[]) {
  let text = "";
  let rules: IgnoreRules = createIgnoreRules({ include: [], exclude: [] });
  return {
    get: (): IgnoreRules => rules,
    /** @param without paths that the remote refused @returns whether another decision may come of what is asked now */
    refresh(without: ReadonlySet<string>): boolean {
      const { include, exclude, maxFileBytes, lfs } = rule();
      const now = JSON.stringify([include, exclude, maxFileBytes, lfs, secrets(), [...without]]);
      if (now === text) return false;
      [text, rules] = [now, createIgnoreRules({ include, exclude })];
      return true;
    },
  };
}
