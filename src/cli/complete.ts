// What could come next on the command line: verbs and flags from their declarations, names from the project.
import { resolve } from "node:path";
import { findProjectFolder } from "../project/find.ts";
import { proposeWords } from "./app.ts";

const takesWorkload = new Set([
  "plan",
  "up",
  "why",
  "open",
  "wake",
  "sleep",
  "awake",
  "save",
  "restore",
  "backup",
  "logs",
  "history",
  "down",
  "run",
  "runs",
  "stop",
  "fetch",
  "exec",
  "ssh",
  "eject",
]);
const operands: Readonly<Record<string, readonly string[]>> = {
  init: ["lab", "job", "service", "tracker"],
  completion: ["bash", "zsh", "fish"],
  gateway: ["install", "uninstall"],
};
const directoryFlags = ["-C", "--directory"];
const notForPeople = new Set(["--", "--background"]);

/**
 * None where a file or folder is meant: shells know those.
 * @param words after `sesta`, the last one perhaps empty or begun
 */
export async function complete(words: readonly string[]): Promise<string[]> {
  const word = words.at(-1) ?? "";
  if (directoryFlags.includes(words.at(-2) ?? "")) return [];
  const own = words.length > 2 && directoryFlags.includes(words[0] ?? "") ? words.slice(2) : words;
  const [verb = ""] = own;
  if (own.length < 2 || word.startsWith("-")) {
    return (await proposeWords(own)).filter((text) => !notForPeople.has(text));
  }
  const names =
    verb === "pipeline"
      ? await pipelineWords(words, own)
      : takesWorkload.has(verb)
        ? await workloadNames(words)
        : (operands[verb] ?? []);
  return names.filter((name) => name.startsWith(word));
}

async function pipelineWords(words: readonly string[], [, action, ...rest]: readonly string[]) {
  if (rest.length === 0) return ["run", "export"];
  return action === "export" && rest.length === 1 ? ["github"] : namesOf(words, "pipelines");
}

function workloadNames(words: readonly string[]): Promise<string[]> {
  return namesOf(words, "workloads");
}

// Nothing may be printed while somebody types, so a project that cannot be read has no names.
async function namesOf(words: readonly string[], section: "workloads" | "pipelines"): Promise<string[]> {
  try {
    const { loadProject } = await import("../project/load.ts");
    const flag = words.findIndex((word) => directoryFlags.includes(word));
    const folder = flag < 0 ? await findProjectFolder(resolve(".")) : resolve(words[flag + 1] ?? ".");
    return folder === undefined ? [] : Object.keys((await loadProject(folder))[section]);
  } catch {
    return [];
  }
}
