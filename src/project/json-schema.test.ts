// The editors' schema: accepts what loads, refuses what does not, and helps on every key.
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { buildJsonSchema } from "./json-schema.ts";
import type { JsonSchema } from "./json-schema.ts";
import { keysAt } from "./schema.ts";
import { buildLabTemplate } from "./template.ts";

const schema = buildJsonSchema();
const validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
const accepts = (value: unknown) => validator.safeParse(value).success;
const lab = (more: object) => ({ name: "demo", workloads: { nb: { type: "lab", ...more } } });

test("is draft 7 and plain JSON", () => {
  expect(schema).toMatchObject({
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    required: ["name"],
  });
  expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
});

test("accepts the file that `init` writes", () => {
  expect(
    accepts(parse(buildLabTemplate({ name: "demo", passwordEnv: "P", idle: "40m", packages: ["pandas"] }))),
  ).toBe(true);
});

test.each<[string, object]>([
  ["never", { idle: "never" }],
  ["a Python version as text", { python: "3.10" }],
  ["a Python version as number", { python: 3.12 }],
  ["a reference", { password: "${secret.a}" }],
  ["a save", { save: { repo: "../x.git", max_file: "1GB", exclude: ["*.ckpt"] } }],
  ["a sign of use", { keep_awake: { cpu: "50%", for: "5m" } }],
])("accepts %s", (_, more) => expect(accepts(lab(more))).toBe(true));

test.each<[string, unknown]>([
  ["no name", {}],
  ["an unknown key", { name: "demo", idle: "3m" }],
  ["a literal password", lab({ password: "hunter2" })],
  ["a duration without unit", lab({ idle: 40 })],
  ["a duration in words", lab({ idle: "40 minutes" })],
  ["Python 3.10 as number", lab({ python: 3.1 })],
  ["packages as text", lab({ packages: "pandas" })],
  ["a port out of range", lab({ port: 0 })],
  ["a save without a repository", lab({ save: {} })],
  ["a size without unit", lab({ save: { repo: "x", max_file: 100 } })],
  ["a literal token", lab({ save: { repo: "x", token: "hunter2" } })],
  ["a share without %", lab({ keep_awake: { cpu: 50 } })],
  ["an ssh target", { name: "demo", targets: { box: { type: "ssh" } } }],
  ["a literal secret", { name: "demo", secrets: { a: "hunter2" } }],
])("refuses %s", (_, value) => expect(accepts(value)).toBe(false));

test("what is not supported yet is not offered", () => {
  expect(JSON.stringify(schema)).not.toMatch(/"(?:machine|aws|gcp)"/);
});

test("every key has a description to hover over", () => {
  const entry = (name: string, type?: string): JsonSchema => {
    const found = schema.properties?.[name]?.additionalProperties;
    if (typeof found !== "object") return {};
    return found.oneOf?.find(({ properties }) => properties?.["type"]?.const === type) ?? found;
  };
  const [lab, job] = [entry("workloads", "lab"), entry("workloads", "job")];
  const sections: [JsonSchema | undefined, string[]][] = [
    [schema, []],
    [schema.properties?.["gateway"], ["gateway"]],
    [entry("secrets"), ["secrets", "x"]],
    [entry("targets", "local"), ["targets", "x"]],
    [entry("targets", "ssh"), ["targets", "x"]],
    [lab, ["workloads", "x"]],
    [lab.properties?.["save"], ["workloads", "x", "save"]],
    [lab.properties?.["keep_awake"], ["workloads", "x", "keep_awake"]],
    [job, ["workloads", "x"]],
    [job.properties?.["container"], ["workloads", "x", "container"]],
  ];
  for (const [section, path] of sections) {
    expect(Object.keys(section?.properties ?? {})).toEqual(
      keysAt(path, section?.properties?.["type"]?.const),
    );
    for (const property of Object.values(section?.properties ?? {}))
      expect(property.description).toMatch(/\.$/);
  }
});
