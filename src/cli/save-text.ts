// How far the saves of a workload are: a cell of a table, and the lines of `why`.
import type { WorkloadStatus } from "../model/status.ts";
import { adviseHeld, describeHeld } from "../operations/save-words.ts";
import type { SaveExplanation } from "../operations/why.ts";
import { formatMs, formatTime } from "./durations.ts";
import type { Paint } from "./terminal.ts";
import { formatCount } from "../model/size.ts";

const longestList = 20;

type Known = Pick<WorkloadStatus, "name" | "saved_at" | "save">;

/** Empty where it is saved nowhere. @param now wall time in milliseconds */
export function formatSaved({ name, saved_at, save }: Known, now: number, paint: Paint): string {
  if (!save) return "";
  const { owed_since, problem, held_deletions, beside, set_aside } = save;
  const look = `: sesta why ${name}`;
  if (problem !== null) {
    const since = owed_since === null ? "" : ` for ${formatMs(now - Date.parse(owed_since))}`;
    return paint("red", `not saved${since}${look}`);
  }
  const remarks = [
    ...(beside === null ? [] : [`beside ${beside}`]),
    ...(held_deletions === null ? [] : [`${count(held_deletions)} gone`]),
    ...(set_aside.length === 0 ? [] : [`${count(set_aside.length)} not saved`]),
  ];
  const [style, main] = describeWhen(saved_at, owed_since, now);
  return remarks.length === 0
    ? paint(style, main)
    : paint("yellow", `${[main, ...remarks].join(", ")}${look}`);
}

function describeWhen(saved_at: string | null, owed_since: string | null, now: number) {
  if (owed_since !== null) return ["cyan", "saving"] as const;
  if (saved_at === null) return ["dim", "nothing saved yet"] as const;
  return ["green", `saved ${formatMs(Math.max(0, now - Date.parse(saved_at)))} ago`] as const;
}

/** Whole lines, the most important one first. @param now wall time in milliseconds */
export function explainSaved(
  name: string,
  saved_at: string | null,
  save: SaveExplanation,
  now: number,
  paint: Paint,
): string[] {
  const { branch, beside, behind, owed_since, problem, hint, retry_at, set_aside, needs_token } = save;
  const { held_deletions: gone, saved_files: of } = save;
  const at = (text: string) => formatTime(Date.parse(text));
  const where = branch === null ? "" : ` on branch ${branch}`;
  return [
    saved_at === null
      ? "saved: nothing was confirmed by the repository yet"
      : `saved: all up to ${at(saved_at)}, ${formatMs(Math.max(0, now - Date.parse(saved_at)))} ago${where}`,
    ...(owed_since === null
      ? []
      : [paint("yellow", `waiting: for the repository since ${at(owed_since)}; it is safe on this machine`)]),
    ...(problem === null ? [] : [paint("red", `because: ${problem}`)]),
    ...(problem !== null && retry_at !== null ? [`tried again at ${at(retry_at)}`] : []),
    ...(hint === null ? [] : [`${paint("cyan", "try")}: ${hint}`]),
    ...(needs_token ? [`its token is not known to the agent: \`sesta save ${name}\` gives it`] : []),
    ...(beside === null
      ? []
      : [
          paint(
            "yellow",
            `beside: ${beside} holds something else, so saves go to ${branch ?? "another branch"}`,
          ),
          `  \`sesta save ${name} --onto ${beside}\` shows what differs and brings them together`,
        ]),
    ...(behind && branch !== null
      ? [
          `others have added to ${branch} since`,
          `  \`sesta save ${name} --onto ${branch}\` shows what, and brings it here`,
        ]
      : []),
    ...(gone === null
      ? []
      : [paint("yellow", `gone: ${describeHeld({ gone, of: of ?? gone })}`), `  ${adviseHeld(name)}`]),
    ...set_aside.map(({ path, why }) => `${paint("yellow", "not saved")}: ${printable(path)}: ${why}`),
  ];
}

/** A heading with their number and their first names, as lines; nothing where there are none. */
export function listFiles(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length - longestList;
  return [
    `${title}: ${count(names.length)}`,
    ...names.slice(0, longestList).map((name) => `  ${printable(name)}`),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ];
}

/** "1 file", "3 files". */
export function count(files: number): string {
  return formatCount(files, "file");
}

/** A name of a file may hold anything; a terminal shows it on one line. */
export function printable(path: string): string {
  return path.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}
