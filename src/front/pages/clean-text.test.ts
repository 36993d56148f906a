// Text from programs, as pages show it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cleanLog, cleanText } from "./clean-text.ts";

const esc = "\u001b";

describe("T14: cleanText", () => {
  test.each([
    [`${esc}[31mred${esc}[0m`, "red"],
    [`${esc}[38;5;196mred${esc}[m`, "red"],
    [`${esc}]0;title\u0007text`, "text"],
    [`${esc}]8;;http://x.test${esc}\\link${esc}]8;;${esc}\\`, "link"],
    ["\u009b1mbold\u009b0m", "bold"],
    [`${esc}(Bplain${esc}=`, "plain"],
    [`cut ${esc}]0;never ended`, "cut"],
    ["a\u0000b\u0008c\u007f", "abc"],
    ["\u202egpj.exe\u202c", "gpj.exe"],
    ["two\nlines\tand  more ", "two lines and more"],
    ["lone \ud800 half", "lone half"],
    ["kept: é 日本 🌅", "kept: é 日本 🌅"],
  ])("%j becomes %j", (text, clean) => expect(cleanText(text)).toBe(clean));

  test("leaves no control character, and has nothing to do a second time", () => {
    const unit = fc.constantFrom(
      esc,
      "[",
      "]",
      "8",
      ";",
      "m",
      "\u0007",
      "\\",
      "\u009b",
      "\u009d",
      "a",
      "\u0000",
      "\r",
      "\n",
      "\u202e",
    );
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        const clean = cleanText(text);
        // oxlint-disable-next-line no-control-regex
        expect(clean).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
        expect(cleanText(clean)).toBe(clean);
      }),
    );
  });
});

describe("T14: cleanLog", () => {
  test("keeps lines and indentation, shows the last writing of a progress line, drops colour", () => {
    expect(cleanLog([`${esc}[33mwarn${esc}[0m`, "  at x\r", "10%\r60%\r100%", "", ""])).toBe(
      "warn\n  at x\n100%",
    );
  });

  test("keeps the last 200 lines and cuts long ones", () => {
    const log = cleanLog(Array.from({ length: 1000 }, (_, index) => `${index} ${"x".repeat(5000)}`)).split(
      "\n",
    );
    expect(log).toHaveLength(200);
    expect(log[0]).toMatch(/^800 x+$/);
    expect(Math.max(...log.map((line) => line.length))).toBe(2000);
  });
});
