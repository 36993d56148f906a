// Where a wake request may carry its password, and what is no password.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPassword } from "./read-password.ts";
import type { PasswordParts } from "./read-password.ts";

const form = "application/x-www-form-urlencoded";

function read(parts: Partial<PasswordParts>): string | undefined {
  return readPassword({
    method: "GET",
    query: "",
    authorization: undefined,
    contentType: undefined,
    body: undefined,
    ...parts,
  });
}

describe("where the password may stand", () => {
  test.each<[string, Partial<PasswordParts>, string | undefined]>([
    ["query", { query: "pass=secret" }, "secret"],
    ["query among others", { query: "a=1&pass=secret&b" }, "secret"],
    ["percent and plus", { query: "pass=a%2Bb+c%26%C3%A9%25" }, "a+b c&é%"],
    ["a lone percent", { query: "pass=100%" }, "100%"],
    ["an equals sign", { query: "pass=a=b" }, "a=b"],
    ["an encoded name", { query: "p%61ss=secret" }, "secret"],
    ["bearer", { authorization: "Bearer a+b%20c" }, "a+b%20c"],
    ["bearer with spaces in it", { authorization: "bearer  correct horse " }, "correct horse"],
    [
      "bearer in UTF-8 bytes",
      { authorization: `Bearer ${Buffer.from("pässé✓").toString("latin1")}` },
      "pässé✓",
    ],
    ["bearer in Latin-1", { authorization: "Bearer p\u00e4ss" }, "p\u00e4ss"],
    ["form", { method: "POST", contentType: form, body: "pass=a+b%2B" }, "a b+"],
    [
      "form, the longer name",
      { method: "POST", contentType: `${form}; charset=UTF-8`, body: "next=%2F&password=x" },
      "x",
    ],
    [
      "bearer before form",
      { method: "POST", contentType: form, body: "pass=f", query: "pass=q", authorization: "Bearer b" },
      "b",
    ],
    ["form before query", { method: "POST", contentType: form, body: "pass=f", query: "pass=q" }, "f"],
    [
      "query of a post without the field",
      { method: "POST", contentType: form, body: "x=1", query: "pass=q" },
      "q",
    ],
    ["nowhere", {}, undefined],
    ["empty", { query: "pass=" }, undefined],
    ["no value", { query: "pass" }, undefined],
    ["several in the query", { query: "pass=a&pass=b" }, undefined],
    ["the same twice", { query: "pass=a&pass=a" }, undefined],
    ["both names in the form", { method: "POST", contentType: form, body: "pass=a&password=a" }, undefined],
    [
      "an ambiguous form does not fall back",
      { method: "POST", contentType: form, body: "pass=a&pass=b", query: "pass=q" },
      undefined,
    ],
    ["another case", { query: "PASS=a" }, undefined],
    ["the longer name in the query", { query: "password=a" }, undefined],
    ["basic", { authorization: "Basic dTpw" }, undefined],
    ["Jupyter's token", { authorization: "token abc" }, undefined],
    ["an empty bearer", { authorization: "Bearer " }, undefined],
    ["a form that is read, not posted", { method: "GET", contentType: form, body: "pass=a" }, undefined],
    ["JSON", { method: "POST", contentType: "application/json", body: '{"pass": "a"}' }, undefined],
    ["a form by another name", { method: "POST", contentType: "text/plain", body: "pass=a" }, undefined],
    ["a lookalike type", { method: "POST", contentType: `${form}x`, body: "pass=a" }, undefined],
  ])("%s", (_, parts, expected) => expect(read(parts)).toBe(expected));

  test("any password survives the query and the form", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (password) => {
        const encoded = new URLSearchParams({ pass: password }).toString();
        expect(read({ query: `pass=${encodeURIComponent(password)}` })).toBe(password);
        expect(read({ query: encoded })).toBe(password);
        expect(read({ method: "POST", contentType: form, body: encoded })).toBe(password);
      }),
    );
  });
});
