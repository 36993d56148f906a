// What a run shows to the tracker that it reports to. Its beginning tells it from a password, so that one that is over is
// refused at once and counts as nobody's guess.
import { hash, randomBytes } from "node:crypto";

const prefix = "sesta_run_";

export function createRunToken(): { token: string; digest: string } {
  const token = prefix + randomBytes(24).toString("base64url");
  return { token, digest: digestRunToken(token) };
}

export function isRunToken(text: string): boolean {
  return text.startsWith(prefix);
}

/** SHA-256 in hexadecimal. */
export function digestRunToken(token: string): string {
  return hash("sha256", token);
}
