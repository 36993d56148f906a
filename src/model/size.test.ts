// Sizes, there and back.
import fc from "fast-check";
import { expect, test } from "vitest";
import { findSizeBytes, formatSize } from "./size.ts";

test.each([
  ["1KB", 1_024],
  ["100MB", 104_857_600], // GitHub's limit is 100 MiB
  ["16GB", 17_179_869_184],
  ["2TB", 2_199_023_255_552],
  ["0MB", 0],
])("%s is %d bytes", (text, bytes) => expect(findSizeBytes(text)).toBe(bytes));

test.each([
  "",
  "100",
  "100 MB",
  "1.5GB",
  "-1MB",
  "1mb",
  "1MiB",
  "1B",
  "MB",
  "1e3MB",
  "1MB\n",
  "1234567890KB",
])("%j is no size", (text) => expect(findSizeBytes(text)).toBeUndefined());

test.each([
  [0, "0 bytes"],
  [1_023, "1023 bytes"],
  [1_536, "1.5KB"],
  [104_857_600, "100MB"],
])("%d bytes are shown as %s", (bytes, text) => expect(formatSize(bytes)).toBe(text));

test("whole units come back as they were written", () => {
  const unit = fc.constantFrom("KB", "MB", "GB", "TB");
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_023 }), unit, (count, name) => {
      expect(formatSize(findSizeBytes(`${count}${name}`) ?? -1)).toBe(`${count}${name}`);
    }),
  );
});
