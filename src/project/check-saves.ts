// What the `save` and `keep_awake` sections of the labs say about each other, and about the rest of the file.
import { posix } from "node:path";
import { parseRepository, repositoryKey, tokenProblem, type Repository } from "../model/repository.ts";
import { findInnerPath, overlaps } from "./inner-path.ts";
import { getKeyOffset, getOffset, valueAt } from "./located.ts";
import type { Finding, Located } from "./located.ts";
import { quote } from "./wording.ts";

/** @param folder the project's, absolute */
export function checkSaves(root: Located, labs: readonly string[], folder: string): Finding[] {
  return [
    ...labs.flatMap((name) => checkToken(root, name)),
    ...labs.flatMap((name) => checkFolder(root, name, labs, folder)),
    ...checkBranches(root, labs, folder),
    ...labs.flatMap((name) => checkFor(root, name)),
  ];
}

function checkToken(root: Located, name: string): Finding[] {
  const path = ["workloads", name, "save", "token"];
  const repository = findRepository(root, name);
  if (valueAt(root, path) === undefined || !repository) return [];
  const message = tokenProblem(repository);
  return message === undefined ? [] : [{ at: getOffset(root, path), message }];
}

/** A repository within a workspace would save itself, and go with it. */
function checkFolder(root: Located, name: string, labs: readonly string[], folder: string): Finding[] {
  const repository = findRepository(root, name);
  if (repository?.kind !== "path") return [];
  const inner = findInnerPath(posix.relative(folder, posix.resolve(folder, repository.path)));
  if (inner === undefined) return [];
  const at = getOffset(root, ["workloads", name, "save", "repo"]);
  const depth = (path: string) => path.split("/").length;
  const meets = [".sesta", ...labs.map((lab) => workspaceOf(root, lab))].find(
    (own) => own !== undefined && overlaps(inner, own) && inner !== "." && depth(inner) >= depth(own),
  );
  return meets === undefined
    ? []
    : [{ at, message: `the repository cannot be in ${quote(meets)}: name a folder outside of it` }];
}

function checkBranches(root: Located, labs: readonly string[], folder: string): Finding[] {
  const seen: { name: string; key: string; branch: unknown }[] = [];
  return labs.flatMap((name): Finding[] => {
    const text = valueAt(root, ["workloads", name, "save", "repo"]);
    if (typeof text !== "string") return [];
    const key = repositoryKey(text, folder);
    const branch = valueAt(root, ["workloads", name, "save", "branch"]);
    // Without a branch it is the default one, whichever that is.
    const other = seen.find(
      (one) => one.key === key && (one.branch === branch || one.branch === undefined || branch === undefined),
    );
    seen.push({ name, key, branch });
    if (!other) return [];
    const path = ["workloads", name, "save", branch === undefined ? "repo" : "branch"];
    const named = branch !== undefined && branch === other.branch;
    const same = named
      ? `the branch ${quote(String(branch))} of this repository`
      : "the same repository, and where `branch` is missing that is its default branch, perhaps the same one";
    const message = `${other.name} saves to ${same}: give each a \`branch\` of its own`;
    return [{ at: getOffset(root, path), message }];
  });
}

function checkFor(root: Located, name: string): Finding[] {
  const path = ["workloads", name, "keep_awake"];
  const at = (key: string) => valueAt(root, [...path, key]);
  if (at("for") === undefined || at("cpu") !== undefined || at("gpu") !== undefined) return [];
  if (at("command") === undefined) return []; // the schema asks for one of the three
  return [{ at: getKeyOffset(root, [...path, "for"]), message: "`for` goes with `cpu` or `gpu`" }];
}

function findRepository(root: Located, name: string): Repository | undefined {
  const text = valueAt(root, ["workloads", name, "save", "repo"]);
  const found = typeof text === "string" ? parseRepository(text) : undefined;
  return found && "kind" in found ? found : undefined;
}

function workspaceOf(root: Located, name: string): string | undefined {
  const asked = valueAt(root, ["workloads", name, "workspace"]);
  return asked === undefined ? name : typeof asked === "string" ? findInnerPath(asked) : undefined;
}
