// Checks `Authorization: Bearer TOKEN` against the token's digest, in a time that tells nothing of either.
import { hash, timingSafeEqual } from "node:crypto";

/** Whether the header shows the token whose SHA-256 is `digest`. */
export function showsToken(header: string | undefined, digest: Buffer): boolean {
  const token = form.exec(header ?? "")?.[1];
  if (token === undefined) return false;
  const shown = hash("sha256", token, "buffer");
  return shown.length === digest.length && timingSafeEqual(shown, digest);
}

/** RFC 6750 §2.1; the scheme in any case (RFC 9110 §11.1). Repeated headers arrive joined by ", " and match nothing. */
const form = /^bearer +([\w.~+/-]+=*)$/i;
