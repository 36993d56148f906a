// Builds the head that goes upstream: the client's headers under the door's rules, and what the owner injects.
import type { IdentityRule, Upstream } from "./door.ts";
import { buildOrigin, type OriginLines, type Seen } from "./origin-lines.ts";
import type { CheckedRequest } from "./request-check.ts";
import { withoutSestaCookies } from "./sesta-cookies.ts";

/** The client's Authorization and Forwarded go no further, and what is said of it in their place is the least. */
const strictRule: IdentityRule = { authorization: false, trust: false, whole: false };

/**
 * A whole request head, to be written as latin1: every char is one byte, as it came.
 * @param seen remembers what is said of a connection's requests, which is the same for most of them
 */
export function buildForwardedHead(
  request: CheckedRequest,
  upstream: Upstream,
  rule: IdentityRule = strictRule,
  seen?: Seen,
): string {
  const { head, fields, lines, named } = request;
  const injected = injectedLines(upstream);
  let text = `${head.method} ${head.target} HTTP/1.1\r\nHost: ${head.host}\r\n`;
  let cookies: string | undefined;
  let came: OriginLines | undefined;
  for (let index = 0; index < fields.length; index += 1) {
    const { name = "", rule: what = "drop" } = fields[index] ?? {};
    if (what === "host") continue;
    const value = lines[2 * index + 1] ?? "";
    if (what === "forward" || (name === "authorization" && rule.authorization)) {
      if (!named?.has(name) && !injected.names.has(name)) text += `${lines[2 * index]}: ${value}\r\n`;
    } else if (what === "cookie") {
      if (named?.has(name) || injected.names.has(name)) continue;
      cookies = cookies === undefined ? value : `${cookies}; ${value}`;
    } else if (rule.trust && what === "drop" && /^(?:x-)?forwarded/.test(name)) {
      came ??= {};
      came[name] = came[name] === undefined ? value : `${came[name]}, ${value}`;
    }
  }
  const cookie = cookies === undefined ? undefined : withoutSestaCookies(cookies);
  if (cookie !== undefined) text += `Cookie: ${cookie}\r\n`;
  if (typeof request.body === "number") text += `Content-Length: ${request.body}\r\n`;
  else if (request.body === "chunked") text += "Transfer-Encoding: chunked\r\n";
  if (request.expectsContinue) text += "Expect: 100-continue\r\n";
  if (head.upgrade) text += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  return `${text}${buildOrigin(head, rule, came, seen)}${injected.text}\r\n`;
}

type Injected = { text: string; names: ReadonlySet<string> };
const serialized = new WeakMap<Upstream, Injected>();

/** Serialized once for each upstream object, which its owner therefore must not change afterwards. */
function injectedLines(upstream: Upstream): Injected {
  const known = serialized.get(upstream);
  if (known) return known;
  const entries = Object.entries(upstream.headers);
  for (const [name, value] of entries)
    if (!/^[A-Za-z0-9-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new TypeError(`The injected header ${JSON.stringify(name)} is not valid.`);
  const injected = {
    text: entries.map(([name, value]) => `${name}: ${value}\r\n`).join(""),
    names: new Set(entries.map(([name]) => name.toLowerCase())),
  };
  serialized.set(upstream, injected);
  return injected;
}
