// Guesses which name was meant.
import { distance } from "fastest-levenshtein";
import { quote } from "./wording.ts";

/** `; did you mean "idle"?`, or nothing when no name is near. */
export function suggest(wrong: string, names: readonly string[]): string {
  const near = findNearest(wrong, names);
  return near === undefined ? "" : `; did you mean ${quote(near)}?`;
}

function findNearest(wrong: string, names: readonly string[]): string | undefined {
  const input = wrong.slice(0, 100).toLowerCase().replaceAll("-", "_");
  let best: { name: string; steps: number } | undefined;
  for (const name of names) {
    const candidate = name.toLowerCase().replaceAll("-", "_");
    const begins = input.length >= 3 && candidate.startsWith(input);
    const steps = begins ? 1 : distance(input, candidate);
    const allowed = candidate.length > 8 ? 3 : Math.min(2, candidate.length - 1);
    if (steps <= allowed && (!best || steps < best.steps)) best = { name, steps };
  }
  return best?.name;
}
