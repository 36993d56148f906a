// The reference page of sesta.yaml, from the schema that checks it.
import { buildAnnotatedSchema } from "../src/project/json-schema.ts";
import type { JsonSchema } from "../src/project/json-schema.ts";
import { reservedNames } from "../src/project/names.ts";
import { buildLabTemplate } from "../src/project/template.ts";

export function buildProjectFileReference(): string {
  const schema = buildAnnotatedSchema();
  const lab = entryOf(schema, "workloads", "lab");
  const job = entryOf(schema, "workloads", "job");
  const ssh = entryOf(schema, "targets", "ssh");
  return [
    "# The project file",
    "",
    "Generated from `src/project/schema.ts`. `sesta.yaml` is strict: a key that is not listed here, or a value of another type, is refused with its line and column; all problems are shown in one go.",
    "",
    "```yaml",
    buildLabTemplate({
      name: "vision-team",
      passwordEnv: "TEAM_PASS",
      idle: "40m",
      packages: ["pandas", "scikit-learn"],
    }).trimEnd(),
    "```",
    "",
    ...section("Top level", schema),
    ...section("`gateway`", schema.properties?.["gateway"]),
    ...section("`secrets`: each entry", entryOf(schema, "secrets")),
    ...section("`targets`: each entry of type `local`", entryOf(schema, "targets", "local")),
    ...section("`targets`: each entry of type `ssh`", ssh),
    ...section("`workloads`: each entry of type `lab`", lab),
    ...section("`save` of a lab", lab?.properties?.["save"]),
    ...section("`keep_awake` of a lab", lab?.properties?.["keep_awake"]),
    ...section("`workloads`: each entry of type `job`", job),
    ...section("`container` of a job", job?.properties?.["container"]),
    ...words,
  ].join("\n");
}

const words = [
  "## Values",
  "",
  "- **Durations** are whole numbers with units, largest first: `10s`, `40m`, `1h30m`, `3d`; at most `365d`.",
  "- **Sizes** are one whole number and a unit: `500KB`, `100MB`, `16GB`; a unit is 1024 of the one before.",
  "- **Repositories** are what git accepts: `https://`, `ssh://`, `git@host:path`, `git://`, `file:///`, or a folder. An address never holds a password; `token` names the secret that does, for `https://` alone, because anything else would show it or has no use for it. Each lab has a repository or a branch of its own.",
  "- **`${secret.NAME}`** stands where the type says so, for a name under `secrets:`. It needs no quotes, also within `{ }`; other YAML tools want them there.",
  "- **`${env.NAME}`** is read in the `file` of a secret only: everything else means the same on every machine.",
  "- **Paths** are relative to the project's folder and stay in it, links included. Only the `file` of a secret may lead elsewhere. Workspaces are apart from each other and from `.sesta` and `.git`.",
  "- **Ports** differ from each other and from the gateway's, which is 8470 unless `gateway.port` says otherwise.",
  "- **Names of workloads** have 1 to 40 lowercase letters, digits and hyphens, beginning with a letter and not ending with a hyphen. These are taken: " +
    `${reservedNames.map((name) => `\`${name}\``).join(", ")}.`,
  "- **Secrets** have at most 64 KiB; one line end at the end of a file or of a command's output is dropped. `plan` warns of a secret file that other users can read.",
  "- **Of YAML** there are no tags, merge keys, second documents or `%YAML` lines, and at most 100 aliases. The file is UTF-8 and at most 1 MB.",
  "",
];

function entryOf(schema: JsonSchema, name: string, type?: string): JsonSchema | undefined {
  const entry = schema.properties?.[name]?.additionalProperties;
  if (typeof entry !== "object") return undefined;
  return entry.oneOf?.find(({ properties }) => properties?.["type"]?.const === type) ?? entry;
}

function section(title: string, schema: JsonSchema | undefined): string[] {
  const properties = Object.entries(schema?.properties ?? {});
  if (schema === undefined || properties.length === 0) throw new Error(`the schema has nothing for ${title}`);
  return [
    `## ${title}`,
    "",
    schema.description ?? "",
    "",
    "| key | type | default | what it means |",
    "| --- | --- | --- | --- |",
    ...properties.map(([key, value]) => row(key, value, schema.required?.includes(key) ?? false)),
    "",
  ];
}

function row(key: string, value: JsonSchema, isRequired: boolean): string {
  const byDefault = value.default === undefined ? "" : code(value.default);
  const example = value.examples?.[0];
  const shownExample = example === undefined || example === value.default ? "" : ` Example: ${code(example)}`;
  const cells = [
    code(key),
    typeOf(value),
    isRequired ? "required" : byDefault,
    `${value.description ?? ""}${shownExample}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function typeOf(value: JsonSchema): string {
  if (value.shown !== undefined) return value.shown;
  return value.const === undefined ? "mapping" : code(value.const);
}

function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value).replaceAll(",", ", ")}\``;
}
