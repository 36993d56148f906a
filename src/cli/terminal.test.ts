// What a terminal can do, judged from the process; and columns that align whatever colours they have.
import fc from "fast-check";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { createTerminal, formatTable } from "./terminal.ts";

function terminal(
  env: NodeJS.ProcessEnv,
  tty: { in?: boolean; out?: boolean; err?: boolean } = {},
  columns?: number,
) {
  const written = { out: "", err: "" };
  const stream = (name: "out" | "err", isTTY = false) => ({
    isTTY,
    columns,
    write: (text: string) => (written[name] += text),
  });
  const process = {
    env,
    stdin: { isTTY: tty.in },
    stdout: stream("out", tty.out),
    stderr: stream("err", tty.err),
  };
  return { written, ...createTerminal(process as unknown as NodeJS.Process) };
}

const red = "\u001b[31mx\u001b[39m";
const full = { in: true, out: true, err: true };

describe("colour", () => {
  test.each<[string, NodeJS.ProcessEnv, { out?: boolean; err?: boolean }, string]>([
    ["on a terminal", {}, { out: true }, red],
    ["when piped", {}, {}, "x"],
    ["when piped and asked for", { FORCE_COLOR: "1" }, {}, red],
    ["when asked not to", { NO_COLOR: "1" }, { out: true }, "x"],
    ["NO_COLOR wins", { NO_COLOR: "1", FORCE_COLOR: "1" }, { out: true }, "x"],
    ["an empty NO_COLOR says nothing", { NO_COLOR: "" }, { out: true }, red],
    ["FORCE_COLOR=0 asks for nothing", { FORCE_COLOR: "0" }, {}, "x"],
    ["a dumb terminal", { TERM: "dumb" }, { out: true }, "x"],
  ])("%s", (_what, env, tty, text) => {
    expect(terminal(env, tty).paint("red", "x")).toBe(text);
  });
});

test("a verb asks where a person sits at both ends, whatever becomes of its output", () => {
  expect([terminal({}, full).interactive, terminal({}, { in: true, err: true }).interactive]).toEqual([
    true,
    true,
  ]);
  expect([
    terminal({}, { in: true, out: true }).interactive,
    terminal({}, { out: true, err: true }).interactive,
  ]).toEqual([false, false]);
});

test("lines are redrawn on a terminal that can, and not in CI", () => {
  expect(terminal({}, full).liveErr).toBe(true);
  expect(
    [terminal({}, {}), terminal({ CI: "true" }, full), terminal({ TERM: "dumb" }, full)].map(
      ({ liveErr }) => liveErr,
    ),
  ).toEqual([false, false, false]);
});

test("what is written goes where it should", () => {
  const { out, err, written, columns } = terminal({}, {});
  out("a");
  err("b");
  expect([written, columns]).toEqual([{ out: "a", err: "b" }, 100]);
  expect(terminal({}, full, 42).columns).toBe(42);
});

describe("tables", () => {
  test("columns align by what is seen; the last is not padded, and no line ends in spaces", () => {
    expect(
      formatTable([
        ["a", "bb", "c"],
        [red, "b", "long one"],
        ["aaa", "", ""],
      ]),
    ).toBe(`a    bb  c\n${red}    b   long one\naaa\n`);
    expect(formatTable([])).toBe("");
  });

  test("every cell stands whole, in its line, under its column", () => {
    const cell = fc.stringMatching(/^[a-z]{0,8}$/);
    const row = fc.tuple(cell, cell, fc.stringMatching(/^[a-z]{1,8}$/));
    fc.assert(
      fc.property(fc.array(row, { minLength: 1 }), (rows) => {
        const lines = stripVTControlCharacters(formatTable(rows)).trimEnd().split("\n");
        const columns = lines.map((line, index) => line.length - (rows[index]?.[2].length ?? 0));
        expect(new Set(columns).size).toBe(1);
      }),
    );
  });
});
