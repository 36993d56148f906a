// Writes every generated file; with --check it changes nothing and fails with the name of each that drifts.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { format } from "oxfmt";
import type { FormatConfig } from "oxfmt";
import { buildJsonSchema } from "../src/project/json-schema.ts";
import { buildAnsibleFiles } from "./ansible-files.ts";
import { buildAssets } from "./assets.ts";
import { buildErrorsReference } from "./errors-reference.ts";
import { buildMachineScripts } from "./machine-scripts.ts";
import { buildPythonFiles } from "./python-files.ts";
import { buildProjectFileReference } from "./project-file-reference.ts";

type Generated = { path: string; build: () => string | Promise<string> };

const generated: readonly Generated[] = [
  { path: "schema/sesta.schema.json", build: () => JSON.stringify(buildJsonSchema(), null, 2) },
  { path: "docs/reference/project-file.md", build: buildProjectFileReference },
  { path: "docs/reference/errors.md", build: buildErrorsReference },
  { path: "src/front/pages/assets.gen.ts", build: buildAssets },
  {
    path: "src/workloads/lab/files.gen.ts",
    build: () =>
      buildPythonFiles("lab", { lockedRequirements: "requirements.txt", launchScript: "launch.py" }),
  },
  {
    path: "src/workloads/service/convert/files.gen.ts",
    build: () =>
      buildPythonFiles("service/convert", {
        lockedConverter: "requirements.txt",
        convertScript: "convert.py",
      }),
  },
  {
    path: "src/workloads/tracker/files.gen.ts",
    build: () =>
      buildPythonFiles("tracker", {
        lockedRequirements: "requirements.txt",
        scripts: ["serve.py", "database.py", "postgres.py", "backup.py"],
        relayScript: "relay.py",
      }),
  },
  { path: "src/machine/ansible/files.gen.ts", build: buildAnsibleFiles },
  { path: "src/machine/scripts.gen.ts", build: buildMachineScripts },
];

const root = join(import.meta.dirname, "..");
const isCheck = process.argv.includes("--check");

for (const { path, build } of generated) {
  const content = await formatAs(path, await build());
  const file = join(root, path);
  const current = await readFile(file, "utf8").catch(() => undefined);
  if (current === content) continue;
  if (isCheck) {
    console.error(`${path} drifts from its source: run \`node scripts/generate.ts\``);
    process.exitCode = 1;
    continue;
  }
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  console.error(`wrote ${path}`);
}

/** As `oxfmt` would leave it, so that the format check and this one agree. */
async function formatAs(path: string, text: string): Promise<string> {
  const options: FormatConfig = JSON.parse(
    await readFile(join(root, ".oxfmtrc.json"), "utf8").catch(() => '{ "printWidth": 110 }'),
  );
  const { code, errors } = await format(path, text, options);
  if (errors.length > 0) throw new Error(`${path} cannot be formatted: ${JSON.stringify(errors)}`);
  return code;
}
