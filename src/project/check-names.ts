// Judges the names that people choose in the file: of secrets, targets and workloads.
import { secretNamePattern } from "../model/secret.ts";
import { nameLetters, workloadNamePattern, workloadNameProblem } from "./names.ts";
import { findLocated } from "./located.ts";
import type { Finding, Located } from "./located.ts";
import { quote } from "./wording.ts";

export function checkNames(root: Located): Finding[] {
  return [
    ...check(root, "secrets", (name) =>
      // Not repeated: the value itself may have been pasted here.
      secretNamePattern.test(name)
        ? undefined
        : "expected a secret's name: 1 to 64 letters, digits, _ and -, beginning with a letter or _",
    ),
    ...check(root, "targets", (name) =>
      workloadNamePattern.test(name)
        ? undefined
        : `expected a name of 1 to 40 ${nameLetters}, got ${quote(name)}`,
    ),
    ...check(root, "workloads", (name) => {
      const expected = workloadNameProblem(name);
      return expected === undefined ? undefined : `expected ${expected}, got ${quote(name)}`;
    }),
  ];
}

function check(root: Located, section: string, problem: (name: string) => string | undefined): Finding[] {
  const entries = findLocated(root, [section])?.children ?? new Map<string | number, Located>();
  return [...entries].flatMap(([name, { keyAt }]) => {
    const message = typeof name === "string" ? problem(name) : undefined; // a list is refused by the schema
    return message === undefined ? [] : [{ at: keyAt, message }];
  });
}
