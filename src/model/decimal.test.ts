// Decimals are compared by their digits, as far as they go.
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareDecimals, isDecimal } from "./decimal.ts";

test.each([
  ["0.9", "0.90000000000000001", -1],
  ["0.9", "0.900", 0],
  [".5", "5e-1", 0],
  ["-0.1", "0.1", -1],
  ["1e3", "999.9999999999999999999", 1],
  ["-0", "0", 0],
  ["+7.", "7", 0],
  ["0.1e-9999", "0", 1],
])("%s beside %s", (one, other, sign) => {
  expect(compareDecimals(one, other)).toBe(sign);
  expect(compareDecimals(other, one)).toBe(sign === 0 ? 0 : -sign);
});

test.each(["", "NaN", "nan", "Infinity", "-inf", "1,5", "0x10", "1e", "1e99999", ".", "1.2.3", " 1", "1_0"])(
  "%j is none",
  (text) => expect(isDecimal(text)).toBe(false),
);

test("as numbers are, wherever they are exact", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (one, other) => {
      expect(compareDecimals(String(one), String(other))).toBe(Math.sign(one - other) || 0);
      expect(compareDecimals(`${one}e-3`, `${other}e-3`)).toBe(one === other ? 0 : one < other ? -1 : 1);
    }),
  );
});
