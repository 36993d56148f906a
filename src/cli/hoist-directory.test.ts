// `-C DIR` before the verb means what it means behind it.
import { expect, test } from "vitest";
import { hoistDirectory } from "./hoist-directory.ts";

test.each<[string[], string[]]>([
  [
    ["-C", "x", "status", "--json"],
    ["status", "-C", "x", "--json"],
  ],
  [
    ["-C", "x", "exec", "a", "--", "-C"],
    ["exec", "-C", "x", "a", "--", "-C"],
  ],
  [
    ["--directory", "x", "status"],
    ["status", "--directory", "x"],
  ],
  [
    ["--directory=x", "status", "-w"],
    ["status", "--directory=x", "-w"],
  ],
  [
    ["status", "-C", "x"],
    ["status", "-C", "x"],
  ],
  [
    ["-C", "x", "pipeline", "run", "iris"],
    ["pipeline", "run", "-C", "x", "iris"],
  ],
  [
    ["-C", "x", "pipeline", "--help"],
    ["pipeline", "-C", "x", "--help"],
  ],
  [["-C"], ["-C"]],
  [
    ["-C", "x"],
    ["-C", "x"],
  ],
  [["--help"], ["--help"]],
  [[], []],
])("%j", (argv, hoisted) => {
  const before = [...argv];
  expect(hoistDirectory(argv)).toEqual(hoisted);
  expect(argv).toEqual(before);
});
