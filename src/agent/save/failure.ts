// Why a save did not come about, in the words and kinds that reports have.
import { findDiskError } from "../../base/disk-error.ts";
import { messageOf, SestaError } from "../../base/errors.ts";
import type { SaveProblem } from "../../model/save.ts";
import { RemoteError } from "./remote/remote.ts";

export type Failure = Pick<SaveProblem, "kind" | "message" | "hint">;

export function explainFailure(error: unknown): Failure {
  if (error instanceof RemoteError) return failure(error.kind, error);
  const disk = findDiskError(error);
  if (disk) return failure("disk", disk);
  return failure("git", error instanceof SestaError ? error : new Error(messageOf(error)));
}

function failure(
  kind: SaveProblem["kind"],
  { message, ...rest }: Error & { hint?: string | undefined },
): Failure {
  return { kind, message, ...(rest.hint !== undefined && { hint: rest.hint }) };
}
