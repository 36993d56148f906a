// What a login shell is given, read by the shells that are here: real ones decide whether it is quoted well.
import { spawnSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildLine, buildLoader, buildTerminalCommand, encode, endMark } from "./remote-shell.ts";

const shells = [
  ["dash"],
  ["bash", "--posix"],
  ["bash"],
  ["busybox", "sh"],
  ["zsh", "--emulate", "sh"], // as it is where it is called sh
  ["ksh"],
  ["mksh"],
].filter(([program = "", ...operands]) => spawnSync(program, [...operands, "-c", ":"]).status === 0);
const nonce = "NONCE";

test("the loader is one line that every login shell reads alike: no backslash, `!`, new line, and two single quotes", () => {
  const loader = buildLoader("SESTA_CONNECTION=1");
  expect(loader).not.toMatch(/[\\!\n\r]/);
  expect(loader.split("'")).toHaveLength(3);
  expect(buildTerminalCommand(["a'b!\n"], "/x y").replaceAll(/\\0[0-7]{3}/g, "")).not.toMatch(/[\\!\n\r]/);
});

test("what is encoded is ASCII without quotes, and names every byte", () => {
  expect(encode("a'b\n!é\\")).toBe(String.raw`a\0047b\0012\0041\0303\0251\0134`);
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => /^[\w./=:,@%+ \\-]*$/.test(encode(text))));
});

test("a name that is none of a variable is refused", () => {
  expect(() => buildLine({ argv: ["x"], env: { "A;id": "" }, nonce })).toThrow();
});

describe.each(shells)("%s", (program, ...more) => {
  const load = (line: string) =>
    spawnSync(
      program ?? "",
      [...more, "-c", buildLoader("A=1").replace("sh -c", `${[program, ...more].join(" ")} -c`)],
      {
        input: line,
      },
    );

  test("T9: any operand arrives byte for byte", () => {
    const word = fc
      .string({ unit: "binary", maxLength: 30 })
      .map((text) => text.replaceAll("\0", "").toWellFormed());
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), word, (words, variable) => {
        const argv = ["sh", "-c", 'printf "%s\\0" "$V" "$@"', "sh", ...words] as const;
        const { stdout, stderr } = load(buildLine({ argv, env: { V: variable }, nonce }));
        const said = [variable, ...words].map((one) => `${one}\0`).join("");
        expect(stdout.toString()).toBe(`${nonce}\n${said}${endMark(nonce)}`);
        expect(stderr.toString()).toMatch(/^NONCE begin \d+\nNONCE end 0\n$/);
      }),
      { numRuns: 40 },
    );
  });

  test("what is left of the input is the program's; a line that was cut off does nothing", () => {
    const line = buildLine({ argv: ["cat"], nonce });
    expect(load(`${line}one\ntwo`).stdout.toString()).toBe(`NONCE\none\ntwo${endMark(nonce)}`);
    expect(load(line.slice(0, -1)).stdout.toString()).toBe("");
  });

  test("the end is told apart: its own code, no such program, no such folder", () => {
    const end = (argv: readonly [string, ...string[]], cwd?: string) =>
      load(buildLine({ argv, cwd, nonce })).stderr.toString();
    expect(end(["sh", "-c", "exit 127"])).not.toContain("NONCE exec");
    expect(end(["sh", "-c", "kill -9 $$"])).toMatch(/NONCE end 137\n$/);
    expect(end(["sesta-no-such-program"])).toContain("NONCE exec 127");
    expect(end(["true"], "/no/such")).toContain("NONCE cwd 1");
    const lacksTrap = ["zsh", "ksh"].includes(program ?? ""); // there a word of the shell itself ends with 127, untold
    expect(end(["exit", "3"])).toContain(lacksTrap ? "NONCE end 127" : "NONCE exec 127");
  });
});
