// Judges the names that people choose in the file: of secrets, targets, workloads, registries, pipelines and stages.
import { secretNamePattern } from "../model/secret.ts";
import { nameLetters, workloadNamePattern, workloadNameProblem } from "./names.ts";
import { findLocated } from "./located.ts";
import type { Finding, Located, Path } from "./located.ts";
import { quote } from "./wording.ts";

export function checkNames(root: Located): Finding[] {
  return [
    ...check(root, "secrets", (name) =>
      // Not repeated: the value itself may have been pasted here.
      secretNamePattern.test(name)
        ? undefined
        : "expected a secret's name: 1 to 64 letters, digits, _ and -, beginning with a letter or _",
    ),
    ...check(root, "targets", plainName),
    ...check(root, "registries", plainName),
    ...check(root, "pipelines", plainName),
    ...[...(findLocated(root, ["pipelines"])?.children.keys() ?? [])].flatMap((name) =>
      check(root, ["pipelines", name], plainName),
    ),
    ...check(root, "workloads", (name) => {
      const expected = workloadNameProblem(name);
      return expected === undefined ? undefined : `expected ${expected}, got ${quote(name)}`;
    }),
  ];
}

function plainName(name: string): string | undefined {
  return workloadNamePattern.test(name)
    ? undefined
    : `expected a name of 1 to 40 ${nameLetters}, got ${quote(name)}`;
}

function check(
  root: Located,
  section: string | Path,
  problem: (name: string) => string | undefined,
): Finding[] {
  const path = typeof section === "string" ? [section] : section;
  const entries = findLocated(root, path)?.children ?? new Map<string | number, Located>();
  return [...entries].flatMap(([name, { keyAt }]) => {
    const message = typeof name === "string" ? problem(name) : undefined; // a list is refused by the schema
    return message === undefined ? [] : [{ at: keyAt, message }];
  });
}
