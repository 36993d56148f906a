// Heads of upstream answers: what is parsed, what stays behind, what is refused.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findHeadEnd, parseResponseHead } from "./response-head.ts";

const parse = (...lines: string[]) => parseResponseHead(`${lines.join("\r\n")}\r\n\r\n`);

describe("T5: response heads", () => {
  test("a usual one", () => {
    expect(parse("HTTP/1.1 200 OK", "Content-Type: text/plain", "Content-Length: 12", "X-Empty:")).toEqual({
      status: 200,
      reason: "OK",
      lines: ["Content-Type", "text/plain", "Content-Length", "12", "X-Empty", ""],
      framing: 12,
      reusable: true,
      upgrade: undefined,
    });
    expect(parse("HTTP/1.1 200")?.reason).toBe("");
    expect(parse("HTTP/1.1 200 OK", "X: \t voil\xc3\xa0 \t")?.lines).toEqual(["X", "voil\xc3\xa0"]);
  });

  test("how the body ends and whether the connection lives on", () => {
    expect(parse("HTTP/1.1 200 OK", "Transfer-Encoding: Chunked")).toMatchObject({
      framing: "chunked",
      lines: [],
    });
    expect(parse("HTTP/1.1 200 OK", "Connection: close")).toMatchObject({
      framing: "until-close",
      reusable: false,
    });
    expect(parse("HTTP/1.0 200 OK", "Content-Length: 1")).toMatchObject({
      framing: 1,
      reusable: false,
    });
    expect(parse("HTTP/1.0 200 OK", "Content-Length: 1", "Connection: keep-alive")?.reusable).toBe(true);
  });

  test("hop-by-hop headers, those that Connection names, and Sesta cookies stay behind", () => {
    const head = parse(
      "HTTP/1.1 200 OK",
      "Connection: X-Hop, close, content-length",
      "X-Hop: 1",
      "Keep-Alive: timeout=5",
      "Trailer: X",
      "TE: trailers",
      "Proxy-Authenticate: Basic",
      "Set-Cookie: sesta_lab=evil",
      "Set-Cookie: __Host-sesta_lab=evil; Path=/; Secure",
      "Set-Cookie: =sesta_lab=evil",
      "Set-Cookie: _xsrf=1",
      "Content-Length: 0",
      "X-End: 2",
    );
    expect(head?.lines).toEqual(["Set-Cookie", "_xsrf=1", "Content-Length", "0", "X-End", "2"]);
  });

  test.each([
    ["no HTTP", "SSH-2.0-OpenSSH"],
    ["HTTP/2 in clear", "HTTP/2 200 OK"],
    ["status out of range", "HTTP/1.1 099 OK"],
    ["four digits", "HTTP/1.1 2000 OK"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1"],
    ["a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1"],
    ["a signed length", "HTTP/1.1 200 OK\r\nContent-Length: +1"],
    ["an empty length", "HTTP/1.1 200 OK\r\nContent-Length:"],
    ["length and chunked", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked"],
    ["unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked"],
    ["coding twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked"],
    ["chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked"],
    ["a folded line", "HTTP/1.1 200 OK\r\nX: 1\r\n 2"],
    ["a bare LF", "HTTP/1.1 200 OK\r\nX: 1\nY: 2"],
    ["a bare CR", "HTTP/1.1 200 OK\r\nX: 1\rY: 2"],
    ["a NUL", "HTTP/1.1 200 OK\r\nX: 1\u00002"],
    ["a space before the colon", "HTTP/1.1 200 OK\r\nX : 1"],
    ["no colon", "HTTP/1.1 200 OK\r\nX"],
    ["no name", "HTTP/1.1 200 OK\r\n: 1"],
  ])("refuses %s", (_what, text) => {
    expect(parse(text)).toBeUndefined();
  });

  test("whatever it accepts holds no control byte and never Sesta's cookie", () => {
    const piece = fc.constantFrom(
      "HTTP/1.1 200 OK", "\r\n", "\n", "\r", "\0", " ", "\t", ":", "Content-Length", "Transfer-Encoding: chunked",
      "Set-Cookie: ", "sesta_", "=", "a", "7", "Connection: ", "\xff", "\r\nX: y",
    ); // prettier-ignore
    const heads = fc
      .array(piece, { maxLength: 24 })
      .map((pieces) => `HTTP/1.1 200 OK\r\n${pieces.join("")}\r\n\r\n`);
    fc.assert(
      fc.property(heads, (text) => {
        const end = findHeadEnd(Buffer.from(text, "latin1"));
        const head = parseResponseHead(text.slice(0, end));
        if (!head) return;
        for (const part of [head.reason, ...head.lines]) expect(part).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/);
        head.lines.forEach((line, index) => {
          if (index % 2 === 1 && head.lines[index - 1] === "Set-Cookie")
            expect(line).not.toMatch(/^[\s=]*sesta_/);
        });
      }),
      { numRuns: 3_000 },
    );
  });
});
