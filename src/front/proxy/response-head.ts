// Parses the head of an upstream's response, strictly, and leaves out the headers that are not for the client.
import { isSestaCookie } from "./sesta-cookies.ts";

export type ResponseHead = {
  status: number;
  reason: string;
  /** Names and values in turn, without hop-by-hop headers and Sesta cookies. */
  lines: string[];
  /** How the body ends, where the status and the method allow one. */
  framing: number | "chunked" | "until-close";
  /** The connection may carry another request. */
  reusable: boolean;
  /** The lowercase Upgrade header. */
  upgrade: string | undefined;
};

/** The number of bytes that the first whole head in `bytes` takes, with its empty line; -1 while it is not whole. */
export function findHeadEnd(bytes: Buffer): number {
  const end = bytes.indexOf("\r\n\r\n");
  return end === -1 ? -1 : end + 4;
}

/**
 * @param text the head as latin1, with its empty line
 * @returns undefined when it is not well-formed: no guess is made about where such a response ends
 */
export function parseResponseHead(text: string): ResponseHead | undefined {
  if (illegal.test(text)) return undefined;
  const [first = "", ...rest] = text.slice(0, -4).split("\r\n");
  const status = statusLine.exec(first);
  if (!status) return undefined;

  const lines: string[] = [];
  let length: number | undefined;
  let chunked = false;
  let connection = "";
  let upgrade: string | undefined;
  for (const line of rest) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const field = responseField(name);
    if (colon < 1 || field === undefined) return undefined;
    const value = withoutBlanks(line, colon + 1);
    if (field.rule === "forward") lines.push(name, value);
    else if (field.rule === "length") {
      if (length !== undefined || !/^\d{1,15}$/.test(value)) return undefined;
      length = Number(value);
      lines.push(name, value);
    } else if (field.rule === "coding") {
      if (chunked || value.toLowerCase() !== "chunked") return undefined;
      chunked = true;
    } else if (field.rule === "connection") connection += `${value.toLowerCase()},`;
    else if (field.rule === "upgrade") upgrade = value.toLowerCase();
    else if (field.rule === "cookie" && !isSestaCookie(value)) lines.push(name, value);
  }
  const isVersion11 = status[1] === "1";
  if (chunked && (length !== undefined || !isVersion11)) return undefined;
  return {
    status: Number(status[2]),
    reason: status[3] ?? "",
    lines: connection === "" || usualConnection.test(connection) ? lines : withoutNamed(lines, connection),
    framing: chunked ? "chunked" : (length ?? "until-close"),
    reusable: isVersion11 ? !/\bclose\b/.test(connection) : /\bkeep-alive\b/.test(connection),
    upgrade,
  };
}

/** Control bytes other than tab, and a CR or LF alone. */
// oxlint-disable-next-line no-control-regex
const illegal = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r[^\n]|[^\r]\n/;
const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: (.*))?$/;
const usualConnection = /^(?:keep-alive|close|upgrade),$/;

type ResponseField = {
  rule: "forward" | "drop" | "length" | "coding" | "connection" | "upgrade" | "cookie";
};
const rememberedLimit = 512;
const remembered = new Map<string, ResponseField>();

/** Undefined for what is no name (RFC 9110 §5.1), which a folded line is not either. */
function responseField(sentName: string): ResponseField | undefined {
  const known = remembered.get(sentName);
  if (known) return known;
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(sentName)) return undefined;
  const field = own[sentName.toLowerCase()] ?? forwarded;
  if (remembered.size < rememberedLimit) remembered.set(sentName, field);
  return field;
}

const forwarded: ResponseField = { rule: "forward" };
const dropped: ResponseField = { rule: "drop" };
const own: Readonly<Record<string, ResponseField | undefined>> = Object.assign(Object.create(null), {
  "content-length": { rule: "length" },
  "transfer-encoding": { rule: "coding" },
  connection: { rule: "connection" },
  upgrade: { rule: "upgrade" },
  "set-cookie": { rule: "cookie" },
  "set-cookie2": dropped,
  "keep-alive": dropped,
  "proxy-connection": dropped,
  "proxy-authenticate": dropped,
  te: dropped,
  trailer: dropped,
});

/** Space and tab only: to trim(), the last byte of a UTF-8 "à" is a blank too. */
function withoutBlanks(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start += 1;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

function isBlank(char: number): boolean {
  return char === 0x20 || char === 0x09;
}

/** Content-Length stays even when named: without it the message would end elsewhere than it does. */
function withoutNamed(lines: string[], connection: string): string[] {
  const named = new Set(connection.split(",").map((token) => token.trim()));
  named.delete("content-length");
  const kept: string[] = [];
  for (let index = 0; index < lines.length; index += 2) {
    const name = lines[index] ?? "";
    if (!named.has(name.toLowerCase())) kept.push(name, lines[index + 1] ?? "");
  }
  return kept;
}
