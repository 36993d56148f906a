// Which commit somebody means who asks for a save: the newest, one by its id, or what was saved at a time.
import { confirmedRef, workRef } from "../../../commands/git.ts";
import { SestaError } from "../../../base/errors.ts";
import type { Git } from "../git.ts";
import type { Remote } from "./remote.ts";

export type FindSaveOptions = { git: Git; remote: Pick<Remote, "look" | "fetch"> };

/**
 * @param at null: the newest; 7 to 40 hex digits: that commit, here or at the remote; wall milliseconds: the newest save
 *   that is not later
 * @returns `at`: when it was committed, in wall milliseconds
 * @throws SestaError SAVE_MISSING, USAGE; RemoteError when only the remote could know
 */
export async function findSave(
  { git, remote }: FindSaveOptions,
  at: string | number | null,
  signal?: AbortSignal,
): Promise<{ commit: string; at: number }> {
  if (typeof at === "string") return findById(git, remote, at, signal);
  const saves = await listSaves(git, remote, signal);
  const found = at === null ? saves[0] : newestUntil(saves, at);
  if (found) return found;
  const oldest = saves.at(-1);
  throw new SestaError(
    "SAVE_MISSING",
    at === null ? "nothing is saved yet" : `nothing was saved by ${timeOf(at)}`,
    {
      hint: oldest ? `The oldest save is of ${timeOf(oldest.at)}.` : "Save first: `sesta save`.",
    },
  );
}

type Save = { commit: string; at: number };

async function findById(
  git: Git,
  remote: FindSaveOptions["remote"],
  id: string,
  signal: AbortSignal | undefined,
): Promise<Save> {
  if (!/^[0-9a-f]{7,64}$/i.test(id)) {
    throw new SestaError("USAGE", `${id} is not the id of a commit`, {
      hint: "Give 7 to 40 hexadecimal digits.",
    });
  }
  const here = await findKnown(git, id);
  if (here) return here;
  const { branch, tip } = await remote.look(signal);
  if (tip !== null) await remote.fetch(branch, signal);
  const there = await findKnown(git, id);
  if (there) return there;
  throw new SestaError("SAVE_MISSING", `no save has the id ${id}`, {
    hint: `Neither the saves on this machine nor branch ${branch} of the repository have it.`,
  });
}

/** Only what one of our refs reaches: the repository can hold other commits, half fetched. */
async function findKnown(git: Git, id: string): Promise<Save | undefined> {
  const { exitCode, stdout, stderr } = await git.run(["rev-parse", "--verify", `${id}^{commit}`]);
  if (/ambiguous/.test(stderr)) {
    throw new SestaError("USAGE", `several saves begin with ${id}`, { hint: "Give more digits." });
  }
  if (exitCode !== 0) return undefined;
  const commit = stdout.trim();
  const reached = await git.get([
    "for-each-ref",
    "--count=1",
    "--format=%(refname)",
    `--contains=${commit}`,
    "refs/sesta",
  ]);
  if (reached === "") return undefined;
  return { commit, at: Number(await git.get(["show", "--no-patch", "--format=%ct", commit])) * 1000 };
}

/** From the newest on, along the line of saves. */
async function listSaves(
  git: Git,
  remote: FindSaveOptions["remote"],
  signal: AbortSignal | undefined,
): Promise<Save[]> {
  const tip =
    (await findRef(git, workRef)) ?? (await findRef(git, confirmedRef)) ?? (await fetchTip(remote, signal));
  if (tip === undefined) return [];
  const log = await git.get(["log", "--first-parent", "--format=%H %ct", tip]);
  return log.split("\n").flatMap((line) => {
    const [commit, seconds] = line.split(" ");
    return commit !== undefined && seconds !== undefined ? [{ commit, at: Number(seconds) * 1000 }] : [];
  });
}

async function fetchTip(
  remote: FindSaveOptions["remote"],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { branch, tip } = await remote.look(signal);
  return tip === null ? undefined : remote.fetch(branch, signal);
}

async function findRef(git: Git, ref: string): Promise<string | undefined> {
  const { exitCode, stdout } = await git.run(["rev-parse", "--verify", "--quiet", `${ref}^{commit}`]);
  return exitCode === 0 ? stdout.trim() : undefined;
}

/** A clock that was wrong leaves times out of order: the latest one counts, of equal ones the newest save. */
function newestUntil(saves: readonly Save[], at: number): Save | undefined {
  let found: Save | undefined;
  for (const save of saves) if (save.at <= at && (!found || save.at > found.at)) found = save;
  return found;
}

/** As the command line shows times: "2026-03-01 14:05:09", where the workload is. */
function timeOf(at: number): string {
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}
