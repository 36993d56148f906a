// Decides whether a request is well-formed enough to be looked at, and collects what the door needs of its head.
import type { IncomingMessage } from "node:http";
import { findHostName } from "../host.ts";
import type { DoorRequest } from "./door.ts";
import { requestField, type RequestField } from "./request-fields.ts";

export type CheckedRequest = {
  head: DoorRequest;
  /** One for each line of `lines`. */
  fields: readonly RequestField[];
  /** Names and values in turn, as sent. */
  lines: readonly string[];
  /** The body's length in bytes; undefined when there is none. */
  body: number | "chunked" | undefined;
  expectsContinue: boolean;
  /** Lowercase names that Connection gives, which are not to be forwarded. */
  named: ReadonlySet<string> | undefined;
};

export type Malformed = { status: 400 | 405 | 431 | 505; message: string };

/**
 * Node's parser (llhttp, strict) has already refused bare LF, folded lines, control bytes in values, and a
 * Content-Length that is repeated, not a number, or beside Transfer-Encoding. This adds what it lets through.
 */
export function checkRequest(
  request: IncomingMessage,
  from: { remoteAddress: string; encrypted: boolean },
): CheckedRequest | Malformed {
  const { method = "", url: target = "", rawHeaders: lines } = request;
  if (request.httpVersionMajor !== 1)
    return { status: 505, message: "Only HTTP/1.0 and HTTP/1.1 are spoken here." };
  // TRACE would send the injected token back to the client.
  if (method === "CONNECT" || method === "TRACE")
    return { status: 405, message: "This method is not allowed." };
  if (!isOriginForm(target)) return malformed("The request target must be a path.");
  if (lines.length > 2 * fieldsLimit) return { status: 431, message: "The request has too many headers." };

  const fields: RequestField[] = [];
  let host: string | undefined;
  let body: CheckedRequest["body"];
  let expectsContinue = false;
  let upgrade = "";
  let connection = "";
  for (let index = 0; index < lines.length; index += 2) {
    const field = requestField(lines[index] ?? "");
    const value = lines[index + 1] ?? "";
    fields.push(field);
    if (field.rule === "forward") continue;
    if (field.rule === "host") {
      if (host !== undefined) return malformed("The request has more than one Host header.");
      host = value;
    } else if (field.rule === "length") {
      if (body !== undefined || !/^\d{1,15}$/.test(value))
        return malformed("The Content-Length is not valid.");
      body = Number(value);
    } else if (field.rule === "coding") {
      if (body !== undefined || value.toLowerCase() !== "chunked" || request.httpVersionMinor !== 1)
        return malformed("The Transfer-Encoding is not supported.");
      body = "chunked";
    } else if (field.rule === "expect") expectsContinue = value.toLowerCase() === "100-continue";
    else if (field.rule === "upgrade") upgrade += `${value.toLowerCase()},`;
    else if (field.rule === "connection") connection += `${value.toLowerCase()},`;
  }
  if (host === undefined || findHostName(host) === undefined)
    return malformed("The Host header is missing or not valid.");

  const named = connection === "" || usualConnection.test(connection) ? undefined : tokens(connection);
  const websocket = upgrade === "websocket," && method === "GET" && /\bupgrade\b/.test(connection);
  if (websocket && body !== undefined && body !== 0) return malformed("A WebSocket handshake has no body.");
  const header = (name: string) => findHeader(name, fields, lines);
  const { remoteAddress, encrypted } = from;
  const head = { method, target, host, header, remoteAddress, encrypted, upgrade: websocket, body };
  return { head, fields, lines, body, expectsContinue, named };
}

const fieldsLimit = 200;
const usualConnection = /^(?:keep-alive|close|upgrade|keep-alive, ?upgrade),$/;

/**
 * A path and perhaps a query. "//host" and "/\host" are left out because URL parsers take them for another host. A
 * query may hold a backslash: browsers send it unescaped (URL standard, query percent-encode set).
 */
export function isOriginForm(target: string): boolean {
  return /^\/(?![/])[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*(?:\?[\x21\x22\x24-\x7e]*)?$/.test(target);
}

function malformed(message: string): Malformed {
  return { status: 400, message };
}

function tokens(list: string): ReadonlySet<string> {
  return new Set(list.split(",").map((token) => token.trim()));
}

function findHeader(
  name: string,
  fields: readonly RequestField[],
  lines: readonly string[],
): string | undefined {
  let found: string | undefined;
  for (let index = 0; index < fields.length; index += 1) {
    if (fields[index]?.name !== name) continue;
    const value = lines[2 * index + 1] ?? "";
    found = found === undefined ? value : `${found}${name === "cookie" ? "; " : ", "}${value}`;
  }
  return found;
}
