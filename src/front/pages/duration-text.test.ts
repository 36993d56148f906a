// Words for spans of time.
import { expect, test } from "vitest";
import { describeEstimate, describeSpan, describeTaken, describeWait } from "./duration-text.ts";

test.each([
  [-5, "under a minute"],
  [59_999, "under a minute"],
  [60_000, "1 min"],
  [3_599_000, "59 min"],
  [7_200_000, "2 h"],
  [19_260_000, "5 h 21 min"],
  [172_800_000, "2 days"],
])("a span of %d ms is %s", (ms, text) => expect(describeSpan(ms)).toBe(text));

test.each([
  [-1, "0 s"],
  [8_900, "8 s"],
  [60_000, "1 min"],
  [65_000, "1 min 5 s"],
  [3_600_000, "1 h"],
])("a wait of %d ms is %s", (ms, text) => expect(describeWait(ms)).toBe(text));

test.each([
  [0.2, "1 s"],
  [9.1, "10 s"],
  [21, "about 25 s"],
  [91, "about 2 min"],
])("an estimate of %d s is %s", (seconds, text) => expect(describeEstimate(seconds)).toBe(text));

test.each([
  [430, "0.4 s"],
  [2_000, "2.0 s"],
  [9_999, "9.9 s"],
  [12_000, "12 s"],
])("a step of %d ms took %s", (ms, text) => expect(describeTaken(ms)).toBe(text));
