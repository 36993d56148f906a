// Bodies of upstream answers, however they are framed and split.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ResponseBody } from "./response-body.ts";

/** Feeds `text` in pieces of `size` bytes. */
function read(framing: number | "chunked" | "until-close", text: string, size = text.length) {
  const body = new ResponseBody(framing);
  let content = "";
  for (let at = 0; at < text.length; at += size) {
    const parts = body.take(Buffer.from(text.slice(at, at + size), "latin1"));
    if (!parts) return "broken";
    content += parts.map((part) => part.toString("latin1")).join("");
  }
  return { content, done: body.done, excess: body.excess };
}

describe("T5: response bodies", () => {
  test("by length", () => {
    expect(read(3, "abc")).toEqual({ content: "abc", done: true, excess: false });
    expect(read(3, "ab")).toEqual({ content: "ab", done: false, excess: false });
    expect(read(3, "abcHTTP/1.1 200 OK", 2)).toEqual({ content: "abc", done: true, excess: true });
    expect(new ResponseBody(0).done).toBe(true);
  });

  test("until the connection is closed", () => {
    expect(read("until-close", "abc")).toEqual({ content: "abc", done: false, excess: false });
  });

  test("chunked, however it is split: content comes out, extensions and trailers do not", () => {
    const chunks = fc.array(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(chunks, fc.nat(12), fc.constantFrom("", ";a=b", " ; q"), (list, size, extension) => {
        const framed = list
          .map((chunk) => `${chunk.length.toString(16)}${extension}\r\n${chunk}\r\n`)
          .join("");
        const whole = `${framed}0\r\nX-Trailer: 1\r\n\r\n`;
        expect(read("chunked", whole, size + 1)).toEqual({
          content: list.join(""),
          done: true,
          excess: false,
        });
        expect(read("chunked", whole.slice(0, -1), size + 1)).toMatchObject({ done: false });
        expect(read("chunked", `${whole}x`, size + 1)).toMatchObject({
          done: true,
          excess: true,
        });
      }),
    );
  });

  test.each([
    ["no size", "\r\n"],
    ["a word for a size", "zz\r\nabc\r\n0\r\n\r\n"],
    ["a sign", "+3\r\nabc\r\n0\r\n\r\n"],
    ["0x", "0x3\r\nabc\r\n0\r\n\r\n"],
    ["a space", "3 \r\nabc\r\n0\r\n\r\n"],
    ["a bare LF after the size", "3\nabc\r\n0\r\n\r\n"],
    ["a bare LF in an extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"],
    ["a size that overflows", "fffffffffffffffff\r\n"],
    ["more bytes than the size says", "3\r\nabcd\r\n0\r\n\r\n"],
    ["a bare LF after the data", "3\r\nabc\n0\r\n\r\n"],
    ["an endless line", `3;${"a".repeat(5_000)}`],
    ["endless trailers", `0\r\n${"X: y\r\n".repeat(4_000)}`],
  ])("refuses %s", (_what, text) => {
    expect(read("chunked", text)).toBe("broken");
    expect(read("chunked", text, 1)).toBe("broken");
  });
});
