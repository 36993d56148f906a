// Tells the upstream where a request comes from: X-Forwarded-* as the field writes them, and Forwarded (RFC 7239).
import type { DoorRequest, IdentityRule } from "./door.ts";

/** What the client sent under such names, in lower case, repeated lines joined. */
export type OriginLines = { [name: string]: string };

/** A connection's own part: what was last said of its requests, and the port it came to. */
export type Seen = { localPort: number; host: string | undefined; text: string };

/** @param came what is added to, by a rule that trusts it */
export function buildOrigin(
  head: DoorRequest,
  rule: IdentityRule,
  came: OriginLines | undefined,
  seen: Seen | undefined,
): string {
  if (came) return write(head, rule, came, seen?.localPort);
  if (seen?.host === head.host) return seen.text;
  const text = write(head, rule, {}, seen?.localPort);
  if (seen) {
    seen.host = head.host;
    seen.text = text;
  }
  return text;
}

function write(
  { host, remoteAddress, encrypted }: DoorRequest,
  { whole }: IdentityRule,
  came: OriginLines,
  localPort = 0,
): string {
  const scheme = encrypted ? "https" : "http";
  const text =
    `X-Forwarded-For: ${after(came["x-forwarded-for"])}${remoteAddress}\r\n` +
    `X-Forwarded-Proto: ${came["x-forwarded-proto"] ?? scheme}\r\n` +
    `X-Forwarded-Host: ${came["x-forwarded-host"] ?? host}\r\n`;
  if (!whole) return text;
  const from = remoteAddress.includes(":") ? `"[${remoteAddress}]"` : remoteAddress || "unknown";
  return (
    `${text}X-Forwarded-Port: ${came["x-forwarded-port"] ?? localPort}\r\n` +
    `Forwarded: ${after(came["forwarded"])}for=${from};host="${host}";proto=${scheme}\r\n`
  );
}

function after(list: string | undefined): string {
  return list === undefined || list === "" ? "" : `${list}, `;
}
