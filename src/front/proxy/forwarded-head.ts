// Builds the head that goes upstream: the client's headers under the door's rules, and what the owner injects.
import type { Upstream } from "./door.ts";
import type { CheckedRequest } from "./request-check.ts";
import { withoutSestaCookies } from "./sesta-cookies.ts";

/** A whole request head, to be written as latin1: every char is one byte, as it came. */
export function buildForwardedHead(request: CheckedRequest, upstream: Upstream): string {
  const { head, fields, lines, named } = request;
  const injected = injectedLines(upstream);
  let text = `${head.method} ${head.target} HTTP/1.1\r\nHost: ${head.host}\r\n`;
  let cookies: string | undefined;
  for (let index = 0; index < fields.length; index += 1) {
    const { name = "", rule = "drop" } = fields[index] ?? {};
    if (rule !== "forward" && rule !== "cookie") continue;
    if (named?.has(name) || injected.names.has(name)) continue;
    const value = lines[2 * index + 1] ?? "";
    if (rule === "forward") text += `${lines[2 * index]}: ${value}\r\n`;
    else cookies = cookies === undefined ? value : `${cookies}; ${value}`;
  }
  const cookie = cookies === undefined ? undefined : withoutSestaCookies(cookies);
  if (cookie !== undefined) text += `Cookie: ${cookie}\r\n`;
  if (typeof request.body === "number") text += `Content-Length: ${request.body}\r\n`;
  else if (request.body === "chunked") text += "Transfer-Encoding: chunked\r\n";
  if (request.expectsContinue) text += "Expect: 100-continue\r\n";
  if (head.upgrade) text += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  text += `X-Forwarded-For: ${head.remoteAddress}\r\nX-Forwarded-Proto: ${head.encrypted ? "https" : "http"}\r\n`;
  return `${text}X-Forwarded-Host: ${head.host}\r\n${injected.text}\r\n`;
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
