// The word of a machine that its front door answers: signed there, checked by the wake function, which holds no secret.
import { createPublicKey, sign, verify, type KeyObject } from "node:crypto";

export type ReadyNotice = {
  /** Of the kernel: /proc/sys/kernel/random/boot_id. */
  bootId: string;
  /** Wall time in milliseconds. */
  at: number;
  /** SHA-256 of the door's certificate, as Node and OpenSSL write it: "AB:CD:…". */
  fingerprint: string;
};

/** The header of the signature, in base64. */
export const signatureHeader = "sesta-signature";

export type NoticeProblem = "wrong signature" | "not a notice" | "too old";

const longestAgeMs = 5 * 60_000;
const bootIdForm = /^[0-9a-f-]{1,64}$/;
const fingerprintForm = /^[0-9A-F]{2}(?::[0-9A-F]{2}){31}$/;

/** @param key Ed25519 */
export function signNotice(notice: ReadyNotice, key: KeyObject): { body: string; signature: string } {
  const { bootId, at, fingerprint } = notice;
  const body = JSON.stringify({ bootId, at, fingerprint });
  return { body, signature: sign(null, signedBytes(body), key).toString("base64") };
}

/** @param publicKey SubjectPublicKeyInfo in base64 @param now wall time in milliseconds */
export function checkNotice(
  body: string,
  signature: string | undefined,
  publicKey: string,
  now: number,
): ReadyNotice | NoticeProblem {
  const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
  const isRight = verify(null, signedBytes(body), key, Buffer.from(signature ?? "", "base64"));
  if (!isRight) return "wrong signature";
  const notice = parseNotice(body);
  if (!notice) return "not a notice";
  return Math.abs(now - notice.at) > longestAgeMs ? "too old" : notice;
}

/** What stands before the body keeps the signature from meaning anything elsewhere. */
function signedBytes(body: string): Buffer {
  return Buffer.from(`sesta-ready\n${body}`);
}

function parseNotice(body: string): ReadyNotice | undefined {
  let parsed: Partial<Record<keyof ReadyNotice, unknown>> | null;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  const { bootId, at, fingerprint } = parsed ?? {};
  if (typeof bootId !== "string" || !bootIdForm.test(bootId)) return undefined;
  if (typeof at !== "number" || !Number.isFinite(at)) return undefined;
  if (typeof fingerprint !== "string" || !fingerprintForm.test(fingerprint)) return undefined;
  return { bootId, at, fingerprint };
}
