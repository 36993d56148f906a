// Errors as they are printed: where, what, and what to do; a stack for bugs alone; no secret in any of it.
import { expect, test } from "vitest";
import { SestaError } from "../base/errors.ts";
import { protect } from "../base/redact.ts";
import { printError } from "./print-error.ts";
import type { Terminal } from "./terminal.ts";

function print(error: unknown, json = false) {
  const printed = { out: "", err: "" };
  const terminal: Terminal = {
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    interactive: false,
    liveErr: false,
    paint: (_style, text) => text,
    columns: 100,
  };
  return { code: printError(error, terminal, json), ...printed };
}

const whole = new SestaError("PROJECT_INVALID", "sesta.yaml has 2 problems", {
  where: "/p/sesta.yaml",
  hint: "Mend them.",
  problems: ["sesta.yaml:1:1: one", "sesta.yaml:2:1: two"],
});

test("where, what, each problem, and what to try", () => {
  expect(print(whole)).toEqual({
    code: 2,
    out: "",
    err: "error: /p/sesta.yaml: sesta.yaml has 2 problems\n  sesta.yaml:1:1: one\n  sesta.yaml:2:1: two\ntry: Mend them.\n",
  });
  expect(print(new SestaError("INTERRUPTED", "Stopped"))).toEqual({
    code: 130,
    out: "",
    err: "error: Stopped\n",
  });
});

test("with --json also the one document on stdout", () => {
  const { out, code } = print(whole, true);
  expect(out).toMatch(/^[^\n]+\n$/);
  expect([code, JSON.parse(out)]).toEqual([
    2,
    {
      error: {
        code: "PROJECT_INVALID",
        message: whole.message,
        where: whole.where,
        hint: whole.hint,
        problems: whole.problems,
      },
    },
  ]);
});

test("a bug has a stack and asks to be reported; anything thrown is printed", () => {
  const { code, err, out } = print(new TypeError("x is not a function"), true);
  expect(err).toMatch(/bug in Sesta \d+\.\d+\.\d+[^\n]*\nTypeError: x is not a function\n\s+at /);
  expect([code, JSON.parse(out)]).toEqual([
    1,
    { error: { code: "INTERNAL", message: "x is not a function" } },
  ]);
  expect(print("thrown").err).toContain("thrown");
});

test("T4: a secret is blanked in every part, also where JSON escapes it", () => {
  const secret = 'print"canary\\1';
  protect(secret);
  const parts = { where: secret, hint: secret, problems: [secret] };
  for (const error of [new SestaError("USAGE", secret, parts), new Error(secret)]) {
    const { out, err } = print(error, true);
    expect(out + err).not.toContain("canary");
    expect(() => JSON.parse(out) as unknown).not.toThrow();
  }
});
