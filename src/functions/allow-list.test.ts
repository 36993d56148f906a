// Ranges of addresses: who is in them, in whatever way an address is written.
import { expect, test } from "vitest";
import { createAllowList } from "./allow-list.ts";

const isAllowed = createAllowList(["203.0.113.7/32", "198.51.100.0/25", "2001:db8:7::/48"]);

test.each([
  ["203.0.113.7", true],
  ["203.0.113.8", false],
  ["198.51.100.127", true],
  ["198.51.100.128", false],
  ["::ffff:203.0.113.7", true],
  ["::ffff:203.0.113.8", false],
  ["2001:db8:7:ffff::1", true],
  ["2001:0db8:0007::", true],
  ["2001:db8:8::1", false],
  ["", false],
  ["203.0.113.7, 198.51.100.1", false],
])("%s: %s", (address, expected) => expect(isAllowed(address)).toBe(expected));

test("no range lets nobody in; every address is a range too", () => {
  expect(createAllowList([])("203.0.113.7")).toBe(false);
  const all = createAllowList(["0.0.0.0/0", "::/0"]);
  expect([all("203.0.113.7"), all("2001:db8::1"), all("nobody")]).toEqual([true, true, false]);
});

test.each(["203.0.113.7", "203.0.113.0/33", "2001:db8::/129", "host/32", "203.0.113.0/-1", "10.0.0.0/8x"])(
  "%s is no range",
  (range) => expect(() => createAllowList([range])).toThrow(/is no range of addresses/),
);
