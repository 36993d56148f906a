// Moves the tag that people follow in all registries; where one refuses, those that have it already get the old one back.
import { messageOf, SestaError } from "../../../base/errors.ts";
import { describePlace } from "./place.ts";
import type { Manifest, Ready } from "./registry.ts";

type Move = Ready & { manifest: Manifest };

/** @throws SestaError PUSH_FAILED: `problems` says what each has */
export async function moveTags(moves: readonly Move[], signal: AbortSignal): Promise<void> {
  const moved: (Move & { before: Manifest | undefined })[] = [];
  for (const move of moves) {
    try {
      signal.throwIfAborted();
      const before = await move.registry.findManifest(move.place.tag);
      if (before?.digest === move.manifest.digest) continue;
      moved.push({ ...move, before }); // also one whose answer is lost may have it
      await move.registry.putManifest(move.place.tag, move.manifest);
    } catch (error) {
      const back = await Promise.all(moved.map(moveBack));
      if (signal.aborted) throw error;
      const { place } = move;
      throw new SestaError("PUSH_FAILED", `${describePlace(place)} did not take the tag ${place.tag}`, {
        problems: [`${describePlace(place)} ${messageOf(error)}`, ...back],
        hint: "Mend it, and run the stage again: all registries have the image already.",
      });
    }
  }
}

async function moveBack({
  registry,
  place,
  before,
}: Move & { before: Manifest | undefined }): Promise<string> {
  const who = describePlace(place);
  try {
    const now = await registry.findManifest(place.tag);
    if (now?.digest === before?.digest) return `${who} has ${place.tag} as it was`;
    if (!before) return `${who} has ${place.tag}, which is new there`;
    await registry.putManifest(place.tag, before);
    return `${who} has ${place.tag} as it was again`;
  } catch (error) {
    return `${who} may have the new ${place.tag}: ${messageOf(error)}`;
  }
}
