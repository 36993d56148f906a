// References to secrets and variables in text.
import fc from "fast-check";
import { expect, test } from "vitest";
import { findEnvText, findSecretName, formatEnvText } from "./secret.ts";

test("a secret's reference is the whole text", () => {
  expect(findSecretName("${secret.team_pass}")).toBe("team_pass");
  for (const text of [
    "secret.a",
    "${secret.a} ",
    "x${secret.a}",
    "${secret.a}${secret.b}",
    "${env.A}",
    "${secret.}",
    "${secret.a}\n",
  ]) {
    expect(findSecretName(text)).toBeUndefined();
  }
});

test("text with variables is cut at them", () => {
  expect(findEnvText("${env.HOME}/a/${env.B}")).toEqual([{ env: "HOME" }, "/a/", { env: "B" }]);
  expect(findEnvText("plain")).toEqual(["plain"]);
  for (const text of ["${secret.a}", "${env.}", "${env.A", "${A}", "a${env.A}${x}"])
    expect(findEnvText(text)).toBeUndefined();
});

test("text with variables prints as it was written", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      const text = `${before}\${env.HOME}${after}`;
      const parts = findEnvText(text);
      if (parts) expect(formatEnvText(parts)).toBe(text);
      else expect(`${before}|${after}`).toContain("${");
    }),
  );
});
