// Secrets from reference to value; what is said when they are missing, and that no value is ever said.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { redact } from "../base/redact.ts";
import type { Project } from "../model/project.ts";
import type { SecretRef } from "../model/secret.ts";
import { checkSecrets, resolveSecret } from "./secret.ts";
import type { Env, RunCommand } from "./secret.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sesta-secret-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const runCommand: RunCommand = async ([program = "", ...args], { cwd }) => {
  const { status, stdout, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (error) throw error;
  return { exitCode: status ?? 1, stdout };
};
const resolveIt = (ref: SecretRef, env: Env = {}) =>
  resolveSecret("team_pass", ref, { folder, env, runCommand });

function write(name: string, content: string, mode = 0o600): void {
  writeFileSync(join(folder, name), content);
  chmodSync(join(folder, name), mode);
}

test("from the environment, a file and a command, without one line end", async () => {
  write("pass", "from file\n\n");
  mkdirSync(join(folder, "home"));
  write("home/pass", "from home\r\n");
  expect(await resolveIt({ env: "A" }, { A: "from env\n" })).toBe("from env");
  expect(await resolveIt({ file: ["pass"] })).toBe("from file\n");
  expect(await resolveIt({ file: [{ env: "DIR" }, "/pass"] }, { DIR: folder })).toBe("from file\n");
  expect(await resolveIt({ file: ["~/pass"] }, { HOME: join(folder, "home") })).toBe("from home");
  expect(await resolveIt({ command: "cat pass | tr a-z A-Z" })).toBe("FROM FILE\n");
});

test("T4: a value is protected as soon as it is known", async () => {
  await resolveIt({ env: "A" }, { A: "CanaryOne/7" });
  expect(redact("x CanaryOne/7 CanaryOne%2F7")).toBe("x [redacted] [redacted]");
});

test.each<[string, SecretRef, Env, string]>([
  ["an unset variable", { env: "A" }, {}, "secret team_pass: environment variable A is not set"],
  ["an empty variable", { env: "A" }, { A: "\n" }, "secret team_pass: environment variable A is empty"],
  ["no file", { file: ["none"] }, {}, "secret team_pass: file none does not exist"],
  ["a folder", { file: ["."] }, {}, "secret team_pass: file . is not an ordinary file"],
  [
    "an unset variable in a file",
    { file: [{ env: "D" }, "/x"] },
    {},
    "secret team_pass: file ${env.D}/x: D is not set",
  ],
  ["no home", { file: ["~/x"] }, {}, "secret team_pass: file ~/x: HOME is not set"],
  ["silent command", { command: "true" }, {}, "secret team_pass: the output of its command is empty"],
])("%s is named by its reference", async (_, ref, env, message) => {
  await expect(resolveIt(ref, env)).rejects.toMatchObject({
    code: "SECRET_MISSING",
    message,
    where: "sesta.yaml: secrets.team_pass",
  });
});

test("a pipe is not waited for, and a large file not read", async () => {
  execFileSync("mkfifo", [join(folder, "pipe")]);
  write("large", "x".repeat(65_537));
  symlinkSync("/dev/zero", join(folder, "zero"));
  for (const name of ["pipe", "large", "zero"]) {
    await expect(resolveIt({ file: [name] })).rejects.toMatchObject({ code: "SECRET_MISSING" });
  }
});

test("T4: a command that fails shows neither itself nor what it printed", async () => {
  const failed: unknown = await resolveIt({
    command: "echo CanaryTwo; echo CanaryTwo >&2; exit 3 # CanaryThree",
  }).catch((error: unknown) => error);
  expect(failed).toMatchObject({
    code: "SECRET_COMMAND",
    message: "the command of secret team_pass ended with 3",
  });
  expect(inspect(failed)).not.toContain("Canary");
});

test("a command that cannot be run", async () => {
  const broken: RunCommand = () => Promise.reject(new Error("sh -c CanaryFour"));
  const failed: unknown = await resolveSecret(
    "p",
    { command: "x" },
    { folder, env: {}, runCommand: broken },
  ).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "SECRET_COMMAND" });
  expect(inspect(failed)).not.toContain("Canary");
});

test("the check for `plan` looks at variables and files and runs no command", async () => {
  write("good", "x");
  write("open", "x", 0o644);
  write("empty", "");
  const secrets: Record<string, SecretRef> = {
    set: { env: "SET" },
    unset: { env: "UNSET" },
    good: { file: ["good"] },
    open: { file: ["open"] },
    empty: { file: ["empty"] },
    gone: { file: ["gone"] },
    ran: { command: `touch ${join(folder, "ran")}` },
  };
  const project: Project = {
    name: "demo",
    folder,
    gateway: { host: "127.0.0.1", insecure: false },
    secrets,
    targets: { local: { type: "local" } },
    workloads: {},
    registries: {},
    pipelines: {},
  };
  expect(await checkSecrets(project, { SET: "x" })).toEqual([
    { secret: "unset", level: "error", message: "secret unset: environment variable UNSET is not set" },
    {
      secret: "open",
      level: "warning",
      message: "secret open: file open can be read by other users: chmod 600 it",
    },
    { secret: "empty", level: "error", message: "secret empty: file empty is empty" },
    { secret: "gone", level: "error", message: "secret gone: file gone does not exist" },
  ]);
  await expect(resolveIt({ file: ["ran"] })).rejects.toMatchObject({ code: "SECRET_MISSING" });
});
