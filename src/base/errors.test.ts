// Errors as values: what they carry, and what is read from foreign ones.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { errorCodes } from "./error-codes.ts";
import { messageOf, SestaError, systemCode } from "./errors.ts";

test("an error carries what failed, where, and what to do", () => {
  const cause = new Error("inner");
  const error = new SestaError("BUSY", "held", { hint: "Wait.", where: "a:1", problems: ["x"], cause });
  expect(error).toBeInstanceOf(Error);
  expect({ ...error, message: error.message, cause: error.cause }).toEqual({
    name: "SestaError",
    code: "BUSY",
    message: "held",
    hint: "Wait.",
    where: "a:1",
    problems: ["x"],
    cause,
  });
});

test("without details there are none, and no cause either", () => {
  const error = new SestaError("USAGE", "no");
  expect([error.hint, error.where, error.problems, "cause" in error]).toEqual([
    undefined,
    undefined,
    [],
    false,
  ]);
});

test("a system error's code is found, anything else has none", async () => {
  const missing: unknown = await readFile("/nonexistent/file").catch((error: unknown) => error);
  expect(systemCode(missing)).toBe("ENOENT");
  expect([systemCode(new Error("x")), systemCode("ENOENT"), systemCode(undefined)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(systemCode(Object.assign(new Error("x"), { code: 7 }))).toBeUndefined();
});

test("anything thrown has a message", () => {
  expect([
    messageOf(new Error("a")),
    messageOf("b"),
    messageOf(undefined),
    messageOf({ toString: () => "c" }),
  ]).toEqual(["a", "b", "undefined", "c"]);
});

test("the catalogue: exit codes of the design, HTTP statuses that are errors, one sentence each", () => {
  for (const [code, { exit, http, summary }] of Object.entries(errorCodes)) {
    expect([code, [1, 2, 75, 130].includes(exit), http >= 400 && http < 600]).toEqual([code, true, true]);
    expect(summary).toMatch(/^\S.*\.$/);
  }
  expect([errorCodes.BUSY.exit, errorCodes.INTERRUPTED.exit, errorCodes.PROJECT_INVALID.exit]).toEqual([
    75, 130, 2,
  ]);
});
