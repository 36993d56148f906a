// Sessions as signed cookies: nothing is stored, and a look-up is all that a repeated request costs.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { setBounded } from "./bounded-map.ts";

/** Whose door it opens: one workload's, or the owner's, which opens all. */
export type Subject = { readonly workload: string } | { readonly owner: true };

export type Session = {
  /** Names the session where its open sockets must be found; opens nothing. */
  readonly id: string;
  readonly subject: Subject;
  readonly version: number;
  /** Wall time in milliseconds. */
  readonly expiresAt: number;
};

export type Sessions = {
  /** The cookie's value. @param version of the password, or of the owner's key; a later one ends the session */
  issue(subject: Subject, version: number): string;
  /** The workload's own session in a Cookie header; the owner's is found by `findOwner`. */
  find(cookieHeader: string | undefined, workload: string, version: number): Session | undefined;
  findOwner(cookieHeader: string | undefined, version: number): Session | undefined;
  /** The Set-Cookie header that hands over `value`. */
  setCookie(subject: Subject, value: string): string;
  /** The Set-Cookie header that makes the browser forget. */
  clearCookie(subject: Subject): string;
};

export type SessionOptions = {
  /** 32 bytes, kept in the state; another key ends every session. */
  key: Buffer;
  clock: Clock;
  /** Whether browsers come over https. */
  encrypted?: boolean;
  /** Keeps the cookies of two projects on one host apart, since cookies do not know ports: it ends their names. */
  scope?: string;
};

const lifetimeSeconds = 30 * 24 * 3600;
const memoryLimit = 10_000;
/** More cookies of one name than a browser sends by accident; bounds the work on a hostile header. */
const candidateLimit = 4;
const valueForm = /^([\w-]{22})\.(\d{1,15})\.(\d{1,11})\.(\d{1,11})\.([\w-]{43})$/;

export function createSessions({ key, clock, encrypted = false, scope }: SessionOptions): Sessions {
  const prefix = encrypted ? "__Host-sesta_" : "sesta_";
  const ending = scope === undefined ? "" : `.${scope}`;
  const verified = new Map<string, Session>();

  function issue(subject: Subject, version: number): string {
    const issued = Math.floor(clock.now() / 1000);
    const id = randomBytes(16).toString("base64url");
    const text = `${id}.${version}.${issued}.${issued + lifetimeSeconds}`;
    return `${text}.${sign(key, nameOf(subject), subject, text).toString("base64url")}`;
  }

  function find(header: string | undefined, workload: string, version: number): Session | undefined {
    return header === undefined ? undefined : findSession(header, { workload }, version);
  }

  function findOwner(header: string | undefined, version: number): Session | undefined {
    return header === undefined ? undefined : findSession(header, { owner: true }, version);
  }

  /**
   * A page on a sibling host or another port can add a cookie of the same name (cookie tossing, RFC 6265 section 8.6).
   * What it makes up is ignored, so that it cannot log people out; two that are both good and differ are refused.
   */
  function findSession(header: string, subject: Subject, version: number): Session | undefined {
    const values = cookieValues(header, nameOf(subject));
    if (values.length > candidateLimit) return undefined;
    const sessions = values
      .map((value) => read(value, subject, version))
      .filter((session) => session !== undefined);
    return sessions.every((session) => session.id === sessions[0]?.id) ? sessions[0] : undefined;
  }

  function read(value: string, subject: Subject, version: number): Session | undefined {
    const place = `${nameOf(subject)}=${value}`;
    const session = verified.get(place) ?? verify(value, subject);
    if (!session || !isSame(session.subject, subject)) return undefined;
    if (session.version !== version || clock.now() >= session.expiresAt) {
      verified.delete(place);
      return undefined;
    }
    if (!verified.has(place)) setBounded(verified, place, session, memoryLimit);
    return session;
  }

  function verify(value: string, subject: Subject): Session | undefined {
    const [, id, version, issued, expires, signature] = valueForm.exec(value) ?? [];
    if (!id || !signature) return undefined;
    const expected = sign(key, nameOf(subject), subject, `${id}.${version}.${issued}.${expires}`);
    if (!timingSafeEqual(expected, Buffer.from(signature, "base64url"))) return undefined;
    return { id, subject, version: Number(version), expiresAt: Number(expires) * 1000 };
  }

  function nameOf(subject: Subject): string {
    return prefix + ("workload" in subject ? subject.workload : "owner") + ending;
  }

  function serialize(subject: Subject, value: string, maxAgeSeconds: number): string {
    const secure = encrypted ? "; Secure" : "";
    return `${nameOf(subject)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`;
  }

  return {
    issue,
    find,
    findOwner,
    setCookie: (subject, value) => serialize(subject, value, lifetimeSeconds),
    clearCookie: (subject) => serialize(subject, "", 0),
  };
}

/** Whether a cookie of this name is Sesta's own: such a one is never forwarded, and never taken from behind. */
export function isSestaCookie(name: string): boolean {
  return /^(?:__Host-)?sesta_/i.test(name);
}

/** The signature covers the cookie's name and the subject, so that no value is good under another's. */
function sign(key: Buffer, name: string, subject: Subject, text: string): Buffer {
  return createHmac("sha256", key)
    .update(JSON.stringify(["sesta session 1", name, subject, text]))
    .digest();
}

function isSame(one: Subject, other: Subject): boolean {
  if ("workload" in one) return "workload" in other && one.workload === other.workload;
  return "owner" in other;
}

/** The different values of the cookies called `name`. */
function cookieValues(header: string, name: string): string[] {
  const values: string[] = [];
  for (let start = 0; start < header.length;) {
    const end = header.indexOf(";", start);
    const pair = header.slice(start, end === -1 ? undefined : end).trim();
    if (pair.startsWith(name) && pair[name.length] === "=") {
      const value = pair.slice(name.length + 1);
      if (!values.includes(value)) values.push(value);
    }
    start = end === -1 ? header.length : end + 1;
  }
  return values;
}
