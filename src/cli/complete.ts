// What could come next on the command line: verbs and flags from their declarations, names from the project.
import { resolve } from "node:path";
import { findProjectFolder } from "../project/find.ts";
import { proposeWords } from "./app.ts";

const takesWorkload = new Set(["plan", "up", "why", "open", "wake", "sleep", "logs", "history", "down"]);

/** @param words after `sesta`, the last one perhaps empty or begun */
export async function complete(words: readonly string[]): Promise<string[]> {
  const word = words.at(-1) ?? "";
  const [verb] = words;
  const proposed = await proposeWords(words);
  if (words.length < 2 || word.startsWith("-") || !takesWorkload.has(verb ?? "")) return proposed;
  return [...(await workloadNames()).filter((name) => name.startsWith(word)), ...proposed.filter((text) => !text.startsWith("-"))];
}

// Nothing may be printed while somebody types, so a project that cannot be read has no names.
async function workloadNames(): Promise<string[]> {
  try {
    const { loadProject } = await import("../project/load.ts");
    const folder = await findProjectFolder(resolve("."));
    return folder === undefined ? [] : Object.keys((await loadProject(folder)).workloads);
  } catch {
    return [];
  }
}
