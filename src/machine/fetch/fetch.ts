// Fetches from any machine: list, judge, bring into a private folder, put in place.
import { lstat, mkdir, realpath, rm } from "node:fs/promises";
import { messageOf, SestaError, systemCode } from "../../base/errors.ts";
import { findDiskError } from "../../base/disk-error.ts";
import { interrupted } from "../interrupted.ts";
import type { Fetched, Machine } from "../machine.ts";
import { listFiles, tooLarge, type Listing } from "./list.ts";
import { toPath } from "./below.ts";
import { placeFile } from "./place.ts";
import { openStaging } from "./staging.ts";

type FetchOptions = NonNullable<Parameters<Machine["get"]>[3]>;

/**
 * Brings the files of a listing into `staging`, each under its final name only when it is whole. What it could not
 * bring it leaves out; it throws when none of the rest can come either.
 */
export type Bring = (
  listing: Listing,
  staging: string,
  options: { signal: AbortSignal; onBytes: (doneBytes: number) => void },
) => Promise<void>;

const defaultMaxBytes = 10e9;

/** Its true path. A link may lead to a disk that is not there now. @throws SestaError DISK_FULL, TRANSFER */
async function makeFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true });
    return await realpath(path);
  } catch (error) {
    const full = systemCode(error) === "ENOSPC" ? findDiskError(error, path) : undefined;
    throw (
      full ??
      new SestaError("TRANSFER", `${path} is no folder and cannot be made one: ${messageOf(error)}`, {
        hint: "See what stands there, or name another folder with `into:`.",
        cause: error,
      })
    );
  }
}

/** See `Machine.get`. */
export async function fetchFiles(
  machine: Pick<Machine, "open" | "name">,
  bring: Bring,
  from: string,
  patterns: readonly string[],
  to: string,
  { maxBytes = defaultMaxBytes, signal, onProgress }: FetchOptions = {},
): Promise<Fetched> {
  const listing = await listFiles(machine, from, patterns, { maxBytes, signal });
  const into = await makeFolder(to);
  onProgress?.(0, listing.bytes);
  const fetched: Fetched & { skipped: { path: string; why: string }[] } = {
    files: 0,
    bytes: 0,
    skipped: listing.skipped,
    missing: listing.missing,
  };
  if (listing.files.length > 0) {
    const staging = await openStaging(into, JSON.stringify([machine.name, from]));
    const stop = new AbortController();
    const onBytes = (doneBytes: number) => {
      if (doneBytes > maxBytes) stop.abort(tooLarge(maxBytes)); // it grew meanwhile
      onProgress?.(Math.min(doneBytes, listing.bytes), listing.bytes);
    };
    const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    try {
      await bring(listing, staging, { signal: either, onBytes });
    } catch (error) {
      if (signal?.aborted) throw interrupted("the fetch", signal);
      const reason: unknown = stop.signal.reason;
      throw reason instanceof SestaError ? reason : (findDiskError(error, into) ?? error);
    }
    for (const { path } of listing.files) {
      const size = (await lstat(toPath(staging, path)).catch(() => undefined))?.size ?? 0;
      const why = await placeFile(staging, into, path);
      if (why !== undefined) fetched.skipped.push({ path: Buffer.from(path, "latin1").toString(), why });
      else {
        fetched.files += 1;
        fetched.bytes += size;
      }
    }
    await rm(staging, { recursive: true, force: true });
  }
  onProgress?.(listing.bytes, listing.bytes);
  return fetched;
}
