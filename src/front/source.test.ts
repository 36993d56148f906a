// Which clients count as one source of guesses.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sourceOf } from "./source.ts";

describe("T2: sources", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::ffff:cb00:7107", "203.0.113.7"],
    ["::1", "0:0:0:0::/64"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:db8::", "2001:db8:0:0::/64"],
    ["64:ff9b::203.0.113.7", "64:ff9b:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    [undefined, "unknown"],
    ["", "unknown"],
    ["203.0.113.7, 10.0.0.1", "unknown"],
  ])("%s counts as %s", (address, source) => expect(sourceOf(address)).toBe(source));

  test("every address of one /64 is one source, and another /64 is another", () => {
    const group = fc.integer({ min: 1, max: 0xffff });
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 4, maxLength: 4 }),
        fc.array(group, { minLength: 8, maxLength: 8 }),
        (net, ends) => {
          const at = (groups: number[]) => sourceOf(groups.map((value) => value.toString(16)).join(":"));
          expect(at([...net, ...ends.slice(0, 4)])).toBe(at([...net, ...ends.slice(4)]));
          expect(at([(net[0] ?? 0) ^ 0x8000, ...net.slice(1), ...ends.slice(0, 4)])).not.toBe(
            at([...net, ...ends.slice(0, 4)]),
          );
        },
      ),
    );
  });
});
