// Single-use codes that `sesta open` puts into a URL: good once, for a minute, in the memory of one process.
import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { setBounded } from "./bounded-map.ts";
import type { Subject } from "./session.ts";

export type Tickets = {
  /** A code of 43 URL-safe characters. Only its SHA-256 is kept; the oldest of too many codes gives way. */
  create(subject: Subject): string;
  /** What the code was made for; undefined when it is unknown, used or older than 60 s. The code is spent either way. */
  redeem(code: string): Subject | undefined;
};

const lifetimeMs = 60_000;
const limit = 100;
const codeForm = /^[\w-]{43}$/;

export function createTickets(clock: Clock): Tickets {
  const open = new Map<string, { subject: Subject; expiresAt: number }>();
  return {
    create(subject) {
      const code = randomBytes(32).toString("base64url");
      setBounded(open, hashOf(code), { subject, expiresAt: clock.monotonic() + lifetimeMs }, limit);
      return code;
    },
    redeem(code) {
      if (!codeForm.test(code)) return undefined;
      const hash = hashOf(code);
      const ticket = open.get(hash);
      open.delete(hash);
      return ticket && clock.monotonic() < ticket.expiresAt ? ticket.subject : undefined;
    },
  };
}

/** A look-up by hash tells nothing through its timing about codes that exist. */
function hashOf(code: string): string {
  return createHash("sha256").update(code).digest("base64");
}
