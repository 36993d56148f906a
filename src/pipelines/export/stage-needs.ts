// What a stage's job must be given in GitHub Actions: secrets, variables, an AWS login, a way to its hosts.
import { posix } from "node:path";
import { SestaError } from "../../base/errors.ts";
import type { StageSection } from "../../model/pipeline.ts";
import { formatEnvText } from "../../model/secret.ts";
import { findService, listNeeded, getStage } from "../graph.ts";
import { resolvePush } from "../resolve-push.ts";
import type { ExportInput, Setting } from "./export-input.ts";
import type { Step } from "./workflow.ts";

export type StageNeeds = {
  env: Record<string, string>;
  /** Before the stage. */
  steps: Step[];
  /** AWS regions that it logs in to; none where it needs no AWS. */
  region: string | null;
  settings: Setting[];
};

/** With what the stages have that it needs: their results are found by all that went into them. */
export function findStageNeeds(input: ExportInput, stage: StageSection): StageNeeds {
  const before = listNeeded(input.pipeline, stage).map((name) => getStage(input.pipeline, name));
  const values = [...before, stage].flatMap(({ env }) => Object.values(env));
  const names = [
    ...values.flatMap((value) => ("secret" in value ? [value.secret] : [])),
    ...listPasswords(input, stage),
  ];
  const needs: StageNeeds = { env: {}, steps: [], region: findRegion(input, stage), settings: [] };
  for (const name of new Set(names)) addSecret(input, name, needs);
  for (const value of values)
    if ("parts" in value)
      for (const part of value.parts) if (typeof part !== "string") addVariable(part.env, needs);
  const service = findService(stage);
  if (service !== undefined && stage.work.kind !== "build" && input.targets[service] === "ssh")
    addSsh(input, needs);
  return needs;
}

function listPasswords({ registries }: ExportInput, { work }: StageSection): string[] {
  if (work.kind !== "build") return [];
  return work.push.flatMap((name) => {
    const { registry } = resolvePush(registries, work.service, name);
    return registry?.type === "login" && registry.password !== undefined ? [registry.password] : [];
  });
}

function findRegion({ registries, targets }: ExportInput, { work }: StageSection): string | null {
  if (work.kind === "run") return null;
  const pushed = work.kind === "build" ? work.push : [];
  for (const name of pushed) {
    const { registry } = resolvePush(registries, work.service, name);
    if (registry?.type === "ecr") return registry.region;
  }
  return work.kind !== "build" && targets[work.service] === "aws" ? "${{ vars.AWS_REGION }}" : null;
}

function addSecret(
  { secrets, folder }: ExportInput,
  name: string,
  { env, steps, settings }: StageNeeds,
): void {
  const ref = secrets[name];
  if (!ref) throw new Error(`no secret ${name}`); // the project file was checked
  if ("command" in ref)
    throw new SestaError("UNSUPPORTED", `Secret ${name} comes from a command, which no runner has`, {
      where: `sesta.yaml: secrets.${name}`,
      hint: `Make it { env: ${nameSecret(name.toUpperCase())} }, and the command's output that variable here.`,
    });
  if ("env" in ref) {
    // The name is taken: every run has a token of its own (GitHub, "Automatic token authentication").
    if (ref.env === "GITHUB_TOKEN") env[ref.env] = "${{ github.token }}";
    else {
      const stored = nameSecret(ref.env);
      env[ref.env] = `\${{ secrets.${stored} }}`;
      settings.push({ kind: "secret", name: stored, what: `the secret ${name}` });
    }
    return;
  }
  const path = formatEnvText(ref.file);
  if (path.includes("${"))
    throw new SestaError("UNSUPPORTED", `Secret ${name} is in a file whose place a variable says`, {
      where: `sesta.yaml: secrets.${name}`,
      hint: "Name the file itself, or make it { env: NAME }.",
    });
  const stored = nameSecret(name.toUpperCase());
  settings.push({ kind: "secret", name: stored, what: `the content of ${path}` });
  steps.push({
    name: `Write ${path}`,
    env: {
      FILE: /^[~/]/.test(path) ? path.replace(/^~\//, "") : posix.join(folder, path),
      VALUE: `\${{ secrets.${stored} }}`,
    },
    run: [
      ...(path.startsWith("~/") ? ["cd"] : []),
      "umask 077",
      'mkdir -p "$(dirname "$FILE")"',
      'printf \'%s\' "$VALUE" >"$FILE"',
    ].join("\n"),
  });
}

/** Names that GitHub takes: letters, digits and `_`, not beginning with a digit or `GITHUB_`. */
function nameSecret(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_]/g, "_");
  return /^(?:GITHUB_|\d)/i.test(clean) ? `SESTA_${clean}` : clean;
}

/** Variables that every runner has need no setting. */
function addVariable(name: string, { env, settings }: StageNeeds): void {
  if (/^(?:GITHUB_|RUNNER_)|^(?:CI|HOME|PATH|USER)$/.test(name) || name in env) return;
  env[name] = `\${{ vars.${nameSecret(name)} }}`;
  settings.push({ kind: "variable", name: nameSecret(name), what: `\${env.${name}} of the stages` });
}

function addSsh({ folder }: ExportInput, { steps, settings }: StageNeeds): void {
  settings.push(
    { kind: "secret", name: "SSH_PRIVATE_KEY", what: "a key that the hosts know" },
    { kind: "variable", name: "SSH_CONFIG", what: "what ~/.ssh/config says of the hosts; may be empty" },
    { kind: "variable", name: "SSH_KNOWN_HOSTS", what: "the content of .sesta/known_hosts" },
  );
  steps.push({
    name: "Give the way to the hosts",
    env: {
      KEY: "${{ secrets.SSH_PRIVATE_KEY }}",
      CONFIG: "${{ vars.SSH_CONFIG }}",
      KNOWN_HOSTS: "${{ vars.SSH_KNOWN_HOSTS }}",
      OWN: folder === "" ? ".sesta" : `${folder}/.sesta`,
    },
    run: [
      "umask 077",
      'mkdir -p ~/.ssh "$OWN"',
      "printf '%s\\n' \"$KEY\" >~/.ssh/id_ed25519",
      "printf '%s\\n' \"$CONFIG\" >~/.ssh/config",
      'printf \'%s\\n\' "$KNOWN_HOSTS" >"$OWN/known_hosts"',
    ].join("\n"),
  });
}
