// What a full, read-only or foreign disk answers, as the error that says what to do.
import { dirname } from "node:path";
import { messageOf, SestaError, systemCode } from "./errors.ts";

/** Undefined for everything else. @param path where it happened, when the error does not say it itself */
export function findDiskError(error: unknown, path?: string): SestaError | undefined {
  const where = path ?? pathOf(error);
  if (where === undefined) return undefined;
  switch (systemCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return new SestaError("DISK_FULL", `${where} cannot be written: the disk is full`, {
        hint: "Free some space and try again.",
        cause: error,
      });
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "EIO":
    case "ENOTDIR":
    case "EEXIST":
      return new SestaError("STATE_FOLDER", `${where} cannot be used: ${messageOf(error)}`, {
        hint: `Check who owns ${dirname(where)}, and that it may be written.`,
        cause: error,
      });
    default:
      return undefined;
  }
}

function pathOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).path : undefined;
}
