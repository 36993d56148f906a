// The reference page of sesta.yaml, from the schema that checks it.
import { buildAnnotatedSchema } from "../src/project/json-schema.ts";
import type { JsonSchema } from "../src/project/json-schema.ts";
import { reservedNames } from "../src/project/names.ts";
import { buildLabTemplate } from "../src/project/template.ts";

export function buildProjectFileReference(): string {
  const schema = buildAnnotatedSchema();
  const lab = entryOf(schema, "workloads", "lab");
  const job = entryOf(schema, "workloads", "job");
  const service = entryOf(schema, "workloads", "service");
  const tracker = entryOf(schema, "workloads", "tracker");
  const ssh = entryOf(schema, "targets", "ssh");
  const stages = entryOf(schema, "pipelines")?.additionalProperties;
  const stage = typeof stages === "object" ? stages : undefined;
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
    ...section("`workloads`: each entry of type `service`", service),
    ...section("`certificate` of a service", service?.properties?.["certificate"]),
    ...section("`workloads`: each entry of type `tracker`", tracker),
    ...section("`backup` of a tracker", tracker?.properties?.["backup"]),
    ...section("`pipelines`: each stage of each entry", stage),
    ...section("`metric` of a stage", stage?.properties?.["metric"]),
    ...section("`registries`: each entry", entryOf(schema, "registries")),
    ...pipelineWords,
    ...words,
  ].join("\n");
}

const pipelineWords = [
  "## How a pipeline runs",
  "",
  "```yaml",
  "registries:",
  "  hub: { host: docker.io, repository: acme/iris, username: acme, password: ${secret.docker_hub} }",
  "  ecr: { type: ecr, region: us-east-1 } # the login comes from the AWS account",
  "pipelines:",
  "  iris:",
  "    lint: { run: flake8 src, requirements: requirements.txt }",
  "    test: { run: pytest --junitxml report.xml, requirements: requirements.txt, needs: [lint], junit: report.xml }",
  "    model-validate:",
  "      run: python src/validate.py",
  "      requirements: requirements.txt",
  "      needs: [test]",
  "      outputs: [iris_model.pkl]",
  "      metric: { name: accuracy, pattern: 'accuracy: ([0-9.]+)', min: 0.9 }",
  "    build-and-push: { build: iris, push: [hub, ecr], needs: [model-validate] }",
  "    deploy: { deploy: iris, needs: [build-and-push] }",
  "    destroy: { destroy: iris, when: manual }",
  "```",
  "",
  "- **The tree** of a stage is a clean copy of what is committed in the project's folder, apart from that folder; what the stages put out that it needs, directly or not, is laid over it, in the order of the graph. Uncommitted changes are named and left out; `sesta.yaml` itself is read as it stands. Submodules are empty folders.",
  "- **A result is reused** while all that goes into it is the same: the stage's own lines, the committed tree, its environment, what the stages put out that it needs, its variables (of a secret, only what a slow one-way function makes of it). `build`, `deploy` and `destroy` are done every time. `--no-cache` takes no earlier result, `--from STAGE` runs that stage anew with all that need it, `--only STAGE` runs it alone on the results of those that it needs.",
  "- **A figure** is compared digit by digit: 0.89999999999999999 is less than 0.9. A JSON file's numbers are read with all their digits.",
  "- **The gate**: a deploy records the digest of the tree that it deploys with every figure that was measured on the way to it, and goes no further when one of them did not pass. `sesta deploy` finds that record again by the digest.",
  "- **`push`** names a registry (then the repository is its `repository`, else the service's name) or an image as in `docker.io/acme/iris`; the login is that of the registry with the same host. An image without a tag gets the commit's.",
  "- **Logs** are in `.sesta/pipelines/RUN/STAGE.log`; the last twenty runs are kept. Results that nobody used for thirty days go.",
  "",
];

const words = [
  "## Values",
  "",
  "- **Durations** are whole numbers with units, largest first: `10s`, `40m`, `1h30m`, `3d`; at most `365d`.",
  "- **Sizes** are one whole number and a unit: `500KB`, `100MB`, `16GB`; a unit is 1024 of the one before.",
  "- **Repositories** are what git accepts: `https://`, `ssh://`, `git@host:path`, `git://`, `file:///`, or a folder. An address never holds a password; `token` names the secret that does, for `https://` alone, because anything else would show it or has no use for it. Each lab has a repository or a branch of its own.",
  "- **`${secret.NAME}`** stands where the type says so, for a name under `secrets:`. It needs no quotes, also within `{ }`; other YAML tools want them there.",
  "- **`${env.NAME}`** is read in the `file` of a secret and in `env` of a stage only: everything else means the same on every machine.",
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
