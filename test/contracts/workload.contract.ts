// What holds for every workload's launch: plain data, the same every time, for any target, without a secret.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Launch } from "../../src/model/launch.ts";
import { fill, placeNames, type Places, type Template } from "../../src/model/template.ts";
import { launchDigest } from "../../src/targets/agent-host/layout.ts";
import { root } from "../support/source-files.ts";

export type WorkloadSuite = {
  /** From a section that uses everything it can. */
  build(): Launch;
  /** From the least that a section can say. */
  buildLeast(): Launch;
  /** Values that the section's secrets lead to. */
  secrets: readonly string[];
  /** Large texts that the golden file names instead of holding them. */
  files: Readonly<Record<string, string>>;
};

const targetWords = /\b(?:localhost|ssh|aws|gcp|ec2|amazon|google|docker|podman|systemd|terraform)\b/i;
const places = Object.fromEntries(placeNames.map((name) => [name, `<${name}>`])) as Places;

export function testWorkload(name: string, { build, buildLeast, secrets, files }: WorkloadSuite): void {
  describe.each([
    ["that says all", "all", build],
    ["that says the least", "least", buildLeast],
  ] as const)(`the launch of a ${name} %s`, (_what, kind, create) => {
    test("is plain JSON: it comes back from a file as it was", () => {
      const launch = create();
      expect(JSON.parse(JSON.stringify(launch))).toStrictEqual(launch);
    });

    test("is the same every time, to the order of its keys", () => {
      expect(JSON.stringify(create())).toBe(JSON.stringify(create()));
    });

    test("names no target", () => {
      const said = stringsOf(withoutTexts(create(), files));
      expect(said.filter((text) => targetWords.test(text))).toEqual([]);
    });

    test("holds no absolute path: places stand for them", () => {
      const { process, workspace } = create();
      const texts = [
        ...templatesOf(create()).map((text) => fill(text, places)),
        workspace,
        process.boundFile ?? "",
      ];
      expect(texts.filter((text) => /(?:^|[\s=:,"'])(?:\/|~)/.test(text))).toEqual([]);
      for (const path of Object.keys(process.files)) expect(path).toMatch(/^[\w-]+(\.[\w-]+)*$/);
    });

    test("T4: holds no secret, only its name", () => {
      const text = JSON.stringify(create());
      for (const secret of secrets) expect(text).not.toContain(secret);
    });

    test("every place of its templates is one that a machine fills", () => {
      for (const text of templatesOf(create())) {
        for (const part of text) {
          if (typeof part !== "string") expect(placeNames).toContain(part.place);
        }
        expect(fill(text, places)).not.toContain("undefined");
      }
    });

    test("its digest does not depend on the order of keys, and changes with what it says", () => {
      const launch = create();
      expect(launchDigest(turned(launch) as Launch)).toBe(launchDigest(launch));
      expect(launchDigest({ ...launch, title: `${launch.title}!` })).not.toBe(launchDigest(launch));
    });

    test("paths that the door and the process are asked for begin with one slash", () => {
      const { door, process } = create();
      for (const path of [door.home, door.healthPath, process.stopPath ?? "/"])
        expect(path).toMatch(/^\/(?!\/)/);
    });

    test("is the golden one", async () => {
      const text = JSON.stringify(withoutTexts(create(), files), null, 2);
      await expect(`${text}\n`).toMatchFileSnapshot(join(root, `test/golden/launches/${name}-${kind}.json`));
    });
  });
}

function templatesOf({ process }: Launch): Template[] {
  return [...process.argv, ...Object.values(process.env)];
}

function withoutTexts(value: unknown, files: Readonly<Record<string, string>>): unknown {
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) => {
    const named = Object.entries(files).find(([, text]) => text === inner);
    return named === undefined ? inner : `<${named[0]}>`;
  });
}

function stringsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...stringsOf(inner)]);
}

function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, turned(inner)] as const)
      .toReversed(),
  );
}
