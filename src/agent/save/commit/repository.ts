// The private repository of one workload's saves: made, mended after a kill, read, put on another base, tidied.
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder, writeAtomic } from "../../../base/atomic-file.ts";
import { workRef } from "../../../commands/git.ts";
import type { Git } from "../git.ts";

/** Makes the repository where it is missing, and takes away what a killed git left. No git may run in it. */
export async function openRepository(git: Git): Promise<void> {
  await makePrivateFolder(git.folder);
  removeLeftovers(git.folder);
  if (isWhole(git.folder)) return;
  // What a power cut leaves of files that git does not sync is empty: they are made again.
  for (const name of ["HEAD", "config"])
    if (sizeOf(join(git.folder, name)) === 0) rmSync(join(git.folder, name));
  const { folder } = git;
  await git.get(["-c", "init.defaultObjectFormat=sha1", "init", "--bare", "--template=", "--quiet", folder]);
  await writeAtomic(join(folder, made), "");
}

/** Locks and temporary files, of which git itself keeps none that matter. */
export function removeLeftovers(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const { name } = entry;
    const left =
      name.endsWith(".lock") ||
      /^(?:tmp_|\.tmp-|fast_import_crash_)/.test(name) ||
      /^pack-.*\.keep$/.test(name);
    if (left && !entry.isDirectory()) rmSync(join(entry.parentPath, name), { force: true });
  }
}

/** Undefined when nothing was ever saved. */
export async function findHead(git: Git): Promise<string | undefined> {
  const { exitCode, stdout } = await git.run(["rev-parse", "--verify", "--quiet", `${workRef}^{commit}`]);
  return exitCode === 0 ? stdout.trim() : undefined;
}

export async function readTree(
  git: Git,
  commit: string,
): Promise<Map<string, { mode: string; oid: string }>> {
  const listed = await git.get(["ls-tree", "-r", "-z", "--full-tree", commit]);
  const files = new Map<string, { mode: string; oid: string }>();
  for (const line of listed.split("\0")) {
    const [, mode = "", oid = "", path = ""] = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    if (path !== "") files.set(path, { mode, oid });
  }
  return files;
}

/** The former one stays reachable under refs/sesta/old/NUMBER. */
export async function moveHead(git: Git, from: string | undefined, to: string | null): Promise<void> {
  const lines = ["start"];
  if (from !== undefined) {
    const kept = await git.get(["for-each-ref", "--format=%(refname:lstrip=3)", "refs/sesta/old/"]);
    const last = Math.max(0, ...kept.split("\n").map(Number).filter(Number.isInteger));
    if (from !== to) lines.push(`create refs/sesta/old/${last + 1} ${from}`);
  }
  if (to !== null) lines.push(`update ${workRef} ${to}`);
  else if (from !== undefined) lines.push(`delete ${workRef}`);
  lines.push("prepare", "commit");
  await git.get(["update-ref", "--stdin"], { input: `${lines.join("\n")}\n` });
}

/** Of which there may be so many before they are put together: git's own measure for `gc --auto` is 6700 and 50. */
const most = { looseObjects: 2_000, packs: 30 };
const tidyMs = 5 * 60_000;

/**
 * Puts loose objects, then small packs, together; what no ref reaches stays. Ended at any moment it leaves a whole
 * repository. No other git may run in it.
 */
export async function tidyRepository(git: Git, signal: AbortSignal): Promise<void> {
  const options = { signal, timeoutMs: tidyMs };
  const light = ["-c", "pack.threads=1", "-c", "pack.window=0"];
  const many = count(join(git.folder, "objects", "pack"), ".pack") > most.packs;
  if (many) await git.run([...light, "repack", "-A", "-d", "-l", "-q"], options);
  // Loose objects are spread evenly over 256 folders by their first byte.
  else if (count(join(git.folder, "objects", "17")) > most.looseObjects / 256)
    await git.run([...light, "repack", "-d", "-l", "-q"], options);
  else return;
  removeLeftovers(git.folder);
}

function count(folder: string, ending = ""): number {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(ending)).length;
  } catch {
    return 0;
  }
}

const made = "sesta-made";

function isWhole(folder: string): boolean {
  if (sizeOf(join(folder, made)) === undefined) return false;
  try {
    return (
      readFileSync(join(folder, "HEAD"), "utf8").startsWith("ref: ") && sizeOf(join(folder, "config")) !== 0
    );
  } catch {
    return false;
  }
}

function sizeOf(path: string): number | undefined {
  try {
    return statSync(path).size;
  } catch {
    return undefined;
  }
}
