// Sizes: what is one and what is none.
import { expect, test } from "vitest";
import { findSizeBytes } from "./size.ts";

test.each([
  ["16GB", 16_000_000_000],
  ["16GiB", 17_179_869_184],
  ["512MB", 512_000_000],
  ["1.5TB", 1_500_000_000_000],
  ["64KiB", 65_536],
])("%s is %i bytes", (text, bytes) => expect(findSizeBytes(text)).toBe(bytes));

test.each(["", "16", "16G", "16 GB", "16gb", "GB", "-1GB", "1e3MB", "1.GB", "16GB\n"])(
  "%j is no size",
  (text) => expect(findSizeBytes(text)).toBeUndefined(),
);
