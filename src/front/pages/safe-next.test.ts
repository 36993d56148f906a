// Properties of the address that a login goes on to.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { safeNext } from "./safe-next.ts";

const origin = "http://127.0.0.1:8471";
const tricky = fc.string({
  unit: fc.constantFrom(
    "/",
    "\\",
    ".",
    "a",
    "@",
    ":",
    "?",
    "#",
    "%",
    "2",
    "f",
    "\t",
    "\n",
    "\r",
    " ",
    "\u0000",
    "é",
    "\ud800",
    "//",
  ),
  maxLength: 12,
});

describe("safeNext", () => {
  test("whatever it is given, a browser stays on this origin, and a header can hold it", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          tricky,
          tricky.map((rest) => `/${rest}`),
          fc.webUrl(),
          fc.anything(),
        ),
        (next) => {
          const safe = safeNext(next);
          expect(new URL(safe, origin).origin).toBe(origin);
          expect(new URL(safe, origin).pathname.startsWith("//")).toBe(false);
          expect(() => new Headers({ location: safe })).not.toThrow();
          expect(safeNext(safe)).toBe(safe);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("keeps every plain path with its query", () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9._~%-]{1,8}$/);
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 5 }), fc.option(segment), (segments, query) => {
        const path = `/${segments.join("/")}${query === null ? "" : `?q=${query}`}`;
        expect(safeNext(path)).toBe(path);
      }),
    );
  });

  test.each([
    "",
    "lab",
    "//evil.test",
    "/\\evil.test",
    "/\t/evil.test",
    "https://evil.test",
    "/a//b",
    "/é",
    "/a b",
    `/${"a".repeat(3000)}`,
    null,
    7,
  ])("%j becomes /", (next) => expect(safeNext(next)).toBe("/"));
});
