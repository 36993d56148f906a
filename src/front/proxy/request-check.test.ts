// Request targets: what is taken as it is, and what is refused.
import fc from "fast-check";
import { expect, test } from "vitest";
import { isOriginForm } from "./request-check.ts";

test.each(["/", "/lab?a=b&c", "/a//b", "/a/../b", "/a%2f%5cb", "/files/a|b{c}[d]", "/q?x=\\n&y=^`"])(
  "T5: %j is a path",
  (target) => {
    expect(isOriginForm(target)).toBe(true);
  },
);

test.each([
  "",
  "*",
  "lab",
  "//host/",
  "/\\host/",
  "\\\\host",
  "/a\\b",
  "http://host/",
  "https:/host",
  "host:80",
  "/a#b",
  "/a?b#c",
  "/a b",
  "/a\tb",
  "/a\0b",
  "/a\x7f",
  "/a?b\r\nX: y",
  "/\xe9",
  "?a",
  "@host/",
])("T5: %j is none", (target) => {
  expect(isOriginForm(target)).toBe(false);
});

test("T5: what is accepted stays on this origin for a URL parser too", () => {
  const target = fc.array(
    fc.constantFrom("/", "\\", ".", "@", ":", "?", "#", "%2f", "a", " ", "\t", "\n", "[", "]"),
  );
  fc.assert(
    fc.property(target, (pieces) => {
      const text = `/${pieces.join("")}`;
      if (isOriginForm(text)) expect(new URL(text, "http://door.test:1").host).toBe("door.test:1");
    }),
    { numRuns: 3_000 },
  );
});
