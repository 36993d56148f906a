// Where the outputs of a run come to: the job's own folder for the first that comes, a folder with its id for every other.
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { isOver, type Run } from "../../model/run.ts";
import type { Context } from "../context.ts";

/**
 * Decided once for a run, under the lock of the database, so that two that end at once do not meet; nothing that another
 * run brought is in it. Absolute.
 */
export async function claimFolder({ state, project }: Context, run: Run): Promise<string> {
  const base = join(project.folder, run.settings.into);
  const apart = join(base, run.id);
  if (run.fetched && isApart(run)) return apart;
  const names = await readdir(base).catch(() => []);
  const wanted = namesOf(run);
  const isFree = !wanted.some((pattern) => names.some((name) => matches(pattern, name)));
  const key = `outputs:${run.settings.into}`;
  const isOwner = state.transact(() => {
    if (run.fetched) return !state.listRuns().some((other) => hasReplaced(other, run));
    const known = state.findSetting(key);
    if (known === run.id) return true;
    const other = known === undefined ? undefined : state.findRun(known);
    if (!isFree || (other && (other.fetched === null || !isOver(other.state)))) return false;
    state.setSetting(key, run.id);
    return true;
  });
  return isOwner ? base : apart;
}

/** The folder that holds what was fetched of a run, where the project is now; undefined before the first fetch. */
export function findFolder({ project }: Context, run: Run): string | undefined {
  if (!run.fetched) return undefined;
  return join(project.folder, run.settings.into, ...(isApart(run) ? [run.id] : []));
}

/** It may have brought something forth that is nowhere else: what was fetched while it ran is not all of it. */
export function isUnfetched({ fetched, settings, nodes }: Run): boolean {
  return !fetched?.isWhole && settings.fetch.length > 0 && nodes.some(({ startedAt }) => startedAt !== null);
}

function isApart({ fetched, id }: Run): boolean {
  return fetched !== null && basename(fetched.into) === id;
}

/** Whether `other` came into the folder after `run`, once somebody had made room there, and brought what it would bring. */
function hasReplaced(other: Run, run: Run): boolean {
  if (other.id === run.id || !other.fetched || !run.fetched || isApart(other)) return false;
  const isSameFolder = join("/", other.settings.into) === join("/", run.settings.into);
  return isSameFolder && other.fetched.at >= run.fetched.at && mayMeet(namesOf(other), namesOf(run));
}

/** What a run puts into its folder, as patterns of names: its machines where it has several, each of which has a folder. */
function namesOf({ nodes, settings }: Run): string[] {
  if (nodes.length > 1) return nodes.map(({ machine }) => machine);
  return settings.fetch.map(
    (pattern) => pattern.split("/").find((part) => part !== "" && part !== ".") ?? "*",
  );
}

function mayMeet(ones: readonly string[], others: readonly string[]): boolean {
  const isLiteral = (pattern: string) => !/[*?]/.test(pattern);
  return ones.some((one) =>
    others.some((other) => {
      if (isLiteral(one)) return matches(other, one);
      return isLiteral(other) ? matches(one, other) : true;
    }),
  );
}

function matches(pattern: string, name: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`, "s").test(name);
}
