// Passwords as salted scrypt hashes: made once, compared in constant time, never on the event loop.
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { SestaError } from "../base/errors.ts";

/** A longer candidate cannot be right and is not worth a hash. */
export const maxPasswordBytes = 1024;

const cost = { log2N: 15, r: 8, p: 1 }; // OWASP password storage cheat sheet: about 32 MiB and 0.1 s
const saltBytes = 16;
const hashBytes = 32;
const encodedForm =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,64})\$([A-Za-z0-9+/]{43})$/;

/**
 * The hash with its parameters, in the PHC string format: `$scrypt$ln=15,r=8,p=1$SALT$HASH`.
 * @throws SestaError USAGE when the password is empty or longer than 1 KB
 */
export async function hashPassword(
  password: string,
  random: (size: number) => Buffer = randomBytes,
): Promise<string> {
  const text = normalizePassword(password);
  if (text === "") throw new SestaError("USAGE", "A password must not be empty.");
  if (isTooLong(text)) throw new SestaError("USAGE", "A password must not be longer than 1 KB.");
  const salt = random(saltBytes);
  return encode(salt, await derive(text, salt, cost));
}

/**
 * Whether `candidate` is the password behind `encoded`. Too long a candidate is refused without hashing.
 * @throws SestaError STATE_DAMAGED when `encoded` is not what `hashPassword` gives
 */
export async function verifyPassword(encoded: string, candidate: string): Promise<boolean> {
  const { parameters, salt, hash } = decode(encoded);
  const text = normalizePassword(candidate);
  if (isTooLong(text)) return false;
  return timingSafeEqual(hash, await derive(text, salt, parameters));
}

/** A hash that no password has, as dear to verify as a real one. */
export function buildDecoyHash(random: (size: number) => Buffer = randomBytes): string {
  return encode(random(saltBytes), random(hashBytes));
}

/**
 * Unicode NFC and nothing else, as RFC 8265 (OpaqueString) asks: `é` is one password however it was typed,
 * while case, spaces and compatibility forms keep their meaning.
 */
export function normalizePassword(password: string): string {
  return password.normalize("NFC");
}

export function isTooLong(password: string): boolean {
  return Buffer.byteLength(password) > maxPasswordBytes;
}

type Cost = typeof cost;

function derive(text: string, salt: Buffer, { log2N, r, p }: Cost): Promise<Buffer> {
  const options = { N: 2 ** log2N, r, p, maxmem: 256 * r * 2 ** log2N };
  return new Promise((resolve, reject) => {
    scrypt(text, salt, hashBytes, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function encode(salt: Buffer, hash: Buffer): string {
  return `$scrypt$ln=${cost.log2N},r=${cost.r},p=${cost.p}$${unpadded(salt)}$${unpadded(hash)}`;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}

function decode(encoded: string): { parameters: Cost; salt: Buffer; hash: Buffer } {
  const [, ln, r, p, salt, hash] = encodedForm.exec(encoded) ?? [];
  const parameters = { log2N: Number(ln), r: Number(r), p: Number(p) };
  // Bounds keep a damaged record from asking for gigabytes.
  const sane = within(parameters.log2N, 10, 17) && within(parameters.r, 1, 16) && within(parameters.p, 1, 4);
  if (!salt || !hash || !sane)
    throw new SestaError("STATE_DAMAGED", "A stored password hash cannot be read.");
  return { parameters, salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") };
}

function within(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}
