// Where in the project file a path leads: its name in messages, and whether a secret may stand there by mistake.
import type { Path } from "./located.ts";
import { quote } from "./wording.ts";

/** ` in workloads.notebook`, or nothing at the top of the file. */
export function placeName(path: Path): string {
  if (path.length === 0) return "";
  const shown = path.slice(0, secretDepth(path)).map((step) => quoteIfOdd(String(step)));
  return ` in ${shown.join(".")}`;
}

/** What stands here is never repeated in a message: people paste the secret itself where its reference belongs. */
export function isSecretPlace(path: Path): boolean {
  return path[0] === "secrets" || path.some(isSecretKey);
}

/** How many steps of a path may be named: beneath a secret or a password, even keys may be values. */
function secretDepth(path: Path): number {
  if (path[0] === "secrets") return 2;
  const first = path.findIndex(isSecretKey);
  return first === -1 ? path.length : first + 1;
}

/** An address may hold a password too. */
function isSecretKey(step: string | number): boolean {
  return step === "password" || step === "token" || step === "passphrase" || step === "repo";
}

function quoteIfOdd(step: string): string {
  return /^[\w-]{1,64}$/.test(step) ? step : quote(step);
}
