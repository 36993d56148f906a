// Which name is taken for meant.
import { expect, test } from "vitest";
import { suggest } from "./suggest.ts";

const names = ["type", "idle", "password", "packages", "max_awake", "requirements"];

test.each([
  ["idel", "idle"],
  ["Idle", "idle"],
  ["pass", "password"],
  ["package", "packages"],
  ["max-awake", "max_awake"],
  ["requierments", "requirements"],
])("%s was %s", (wrong, right) => expect(suggest(wrong, names)).toBe(`; did you mean "${right}"?`));

test.each(["", "x", "colour", "__proto__", "constructor", "z".repeat(1_000_000)])(
  "nothing is near %j",
  (wrong) => expect(suggest(wrong, names)).toBe(""),
);
