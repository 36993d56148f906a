// What `--at` is read as: commits, times in the user's zone or a named one, and how long ago.
import { expect, test } from "vitest";
import { parseAt } from "./parse-at.ts";

const now = new Date(2026, 10, 21, 8, 0, 0).getTime();
const local = (...parts: [number, number, number, number?, number?, number?]) =>
  new Date(parts[0], parts[1] - 1, parts[2], parts[3] ?? 0, parts[4] ?? 0, parts[5] ?? 0).getTime();

test.each<[string, string | number]>([
  ["3f9c2d1", "3f9c2d1"],
  ["3F9C2D1", "3f9c2d1"],
  ["a".repeat(40), "a".repeat(40)],
  ["1234567", "1234567"], // a commit may have no letter in it
  ["2h", now - 7_200_000],
  ["1d12h", now - 129_600_000],
  ["2026-11-20 14:00", local(2026, 11, 20, 14)],
  ["2026-11-20T14:00:05", local(2026, 11, 20, 14, 0, 5)],
  ["2026-11-20", local(2026, 11, 21) - 1],
  ["2028-02-29 00:00", local(2028, 2, 29)],
  ["2026-11-20T14:00:00Z", Date.UTC(2026, 10, 20, 14)],
  ["2026-11-20T14:00:00.250Z", Date.UTC(2026, 10, 20, 14, 0, 0, 250)],
  ["2026-11-20T14:00+02:00", Date.UTC(2026, 10, 20, 12)],
])("%s", (text, meant) => expect(parseAt(text, now)).toBe(meant));

test.each([
  "",
  "yesterday",
  "3f9c2d",
  "a".repeat(41),
  "HEAD~1",
  "-1h",
  "2026-13-01",
  "2026-02-29 10:00",
  "2026-11-31",
  "2026-11-20 24:00",
  "2026-11-20 10:60",
  "2026-13-20T14:00:00Z",
  "14:00",
  "2026-11-20 14",
  "20/11/2026",
])("%j is refused, with examples", (text) => {
  expect(() => parseAt(text, now)).toThrow(
    expect.objectContaining({ code: "USAGE", hint: expect.stringContaining("--at 2h") as string }) as Error,
  );
});
