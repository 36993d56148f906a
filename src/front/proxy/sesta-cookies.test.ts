// Sesta's own cookies never pass the door, in either direction.
import fc from "fast-check";
import { expect, test } from "vitest";
import { isSestaCookie, withoutSestaCookies } from "./sesta-cookies.ts";

test("T5: Sesta's cookies are taken out, others stay as they are", () => {
  expect(withoutSestaCookies("a=1; b=2")).toBe("a=1; b=2");
  expect(withoutSestaCookies("sesta_lab=x")).toBeUndefined();
  expect(withoutSestaCookies("a=1; sesta_lab=x; __Host-sesta_owner=y;b=sesta_z; Sesta_q=1;  sesta_;")).toBe(
    "a=1; b=sesta_z",
  );
});

test("T5: none is left wherever it stands among others", () => {
  const pair = fc.constantFrom(
    "a=1",
    "sesta_lab=x",
    "__Host-sesta_lab=x",
    "=sesta_a=1",
    "\tsesta_b=2",
    "",
    " ",
    "c",
  );
  fc.assert(
    fc.property(fc.array(pair), fc.constantFrom(";", "; ", " ; "), (pairs, separator) => {
      expect(withoutSestaCookies(pairs.join(separator)) ?? "").not.toContain("sesta_");
    }),
  );
});

test.each([
  ["sesta_lab=1; Path=/", true],
  ["__Host-sesta_lab=1", true],
  ["__Secure-sesta_lab=1", true],
  [" = sesta_lab=1", true],
  ["sesta_lab", true],
  ["_xsrf=sesta_lab", false],
  ["mysesta_lab=1", false],
])("Set-Cookie %j speaks of a Sesta cookie: %s", (header, expected) => {
  expect(isSestaCookie(header)).toBe(expected);
});
