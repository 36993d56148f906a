// Why nothing could be saved at all: the workspace, the disk, or git.
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { findDiskError } from "../../../base/disk-error.ts";
import { SestaError } from "../../../base/errors.ts";
import type { SaveProblem } from "../../../model/save.ts";

export type Alarm = Pick<SaveProblem, "message" | "hint"> & { kind: "workspace" | "disk" | "git" };

/** The workspace is not what was saved before. */
export class WorkspaceAlarm extends SestaError {
  constructor(message: string, details: { hint: string }) {
    super("STATE_FOLDER", message, details);
  }
}

/** @throws SestaError DISK_FULL when less than `reserveBytes` are free where `folder` is or will be */
export function refuseFull(folder: string, reserveBytes: number): void {
  for (let path = folder; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = statfsSync(path);
      if (bavail * bsize >= reserveBytes) return;
    } catch {
      if (path !== dirname(path)) continue; // not made yet
      return;
    }
    throw new SestaError("DISK_FULL", `The disk that holds ${folder} is nearly full`, {
      hint: "Free some space; saving goes on by itself.",
    });
  }
}

/** A folder is another one when its inode is; a disk that is not mounted leaves an empty one in its place. */
export type Place = { id: string; before: string | undefined; gone: number; of: number };

/** @throws WorkspaceAlarm when it is another folder than before, without most of what is saved */
export function refuseOther(workspace: string, { id, before, gone, of }: Place): void {
  if (before === undefined || before === id || gone * 2 <= of) return;
  throw new WorkspaceAlarm(
    `${workspace} is another folder than before, and ${gone} of ${of} saved files are not in it.`,
    { hint: "Mount its disk or put the folder back; if it is meant to be this one, confirm the deletions." },
  );
}

/** Undefined for a bug. */
export function explainAlarm(error: unknown, workspace: string): Alarm | undefined {
  const known = error instanceof SestaError ? error : findDiskError(error, workspace);
  if (!known) return undefined;
  const kind = known instanceof WorkspaceAlarm ? "workspace" : known.code === "DISK_FULL" ? "disk" : "git";
  return { kind, message: known.message, ...(known.hint !== undefined && { hint: known.hint }) };
}
