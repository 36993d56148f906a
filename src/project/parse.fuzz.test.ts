// Strange text everywhere in the project file: it loads as it should or is refused with problems, and nothing leaks.
import { mkdtempSync, rmSync } from "node:fs";
import { isIPv4 } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { SestaError } from "../base/errors.ts";
import { listLabs, type Project } from "../model/project.ts";
import { parseProject } from "./parse.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The project, or the problems; fails on every other outcome. */
async function outcome(bytes: Uint8Array): Promise<Project | readonly string[]> {
  try {
    return await parseProject(bytes, folder);
  } catch (error) {
    if (!(error instanceof SestaError)) throw error;
    expect(error.code).toBe("PROJECT_INVALID");
    expect(error.problems.length).toBeGreaterThan(0);
    for (const problem of error.problems)
      expect(problem).toMatch(/^(?:sesta\.yaml:\d+:\d+: \S|… and \d+ more)/);
    return error.problems;
  }
}

const isProject = (result: Project | readonly string[]): result is Project => "workloads" in result;

const full = () => ({
  name: "demo",
  target: "local",
  gateway: { host: "127.0.0.1", port: 9000, insecure: false },
  secrets: { a: { env: "A" }, b: { file: "~/b" }, c: { command: "pass show c" } },
  targets: { here: { type: "local" } },
  workloads: {
    nb: {
      type: "lab",
      target: "here",
      password: "${secret.a}",
      idle: "40m",
      max_awake: "3d",
      packages: ["pandas"],
      python: "3.12",
      port: 9001,
      workspace: "work",
      keep_awake: { cpu: "50%", gpu: "5%", for: "5m", command: "./busy.sh" },
      save: {
        repo: "https://github.com/acme/x.git",
        branch: "main",
        token: "${secret.a}",
        include: ["data/"],
        exclude: ["*.ckpt"],
        max_file: "100MB",
        every: "10s",
        lfs: false,
        author: "Ada <ada@example.org>",
      },
    },
  },
});

/** Every place that holds a value, and every mapping that may get a key. */
function places(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key]))];
}

function put(path: readonly string[], value: unknown): unknown {
  const root: { at: unknown } = { at: full() };
  let here = root as Record<string, unknown>;
  for (const step of ["at", ...path].slice(0, -1)) here = here[step] as Record<string, unknown>;
  here[path.at(-1) ?? "at"] = value;
  return root.at;
}

const hostile = fc.oneof(
  fc.constantFrom(
    "; touch /tmp/canary",
    "$(touch canary)",
    "`id`",
    "a\nb",
    "-oProxyCommand=id",
    "--help",
    "../..",
    "/etc/passwd",
    "~root",
    "a\0b",
    "${env.HOME}",
    "${secret.zzz}",
    "__proto__",
    "constructor",
    "0.0.0.0",
    "\u202Eevil",
    "\u001b[2J",
    "<script>",
    "'",
    '"',
    "\\",
  ),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ maxLength: 30 }),
);

test("the file that the fuzz begins with loads", async () => {
  expect(isProject(await outcome(Buffer.from(stringify(full()))))).toBe(true);
});

test("T9: hostile text in every value never gets into a project where it is forbidden", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places(full())), hostile, async (path, value) => {
      const result = await outcome(Buffer.from(stringify(put(path, value))));
      if (isProject(result)) expectHarmless(result);
      else for (const problem of result) expectPrintable(problem);
    }),
    { numRuns: 1500 },
  );
});

test("T9: hostile names and keys in every mapping", async () => {
  const mappings = [
    [],
    ["gateway"],
    ["secrets"],
    ["secrets", "a"],
    ["targets"],
    ["targets", "here"],
    ["workloads"],
    ["workloads", "nb"],
    ["workloads", "nb", "save"],
    ["workloads", "nb", "keep_awake"],
  ];
  const values = fc.constantFrom<unknown>(
    "x",
    1,
    null,
    {},
    [],
    { type: "lab" },
    { env: "A" },
    { type: "local" },
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...mappings), hostile, values, async (path, key, value) => {
      const result = await outcome(Buffer.from(stringify(put([...path, key], value))));
      if (isProject(result)) expectHarmless(result);
      else for (const problem of result) expectPrintable(problem);
    }),
    { numRuns: 1000 },
  );
});

test("any JSON in any place is loaded or refused", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places(full())), fc.jsonValue(), async (path, value) => {
      const result = await outcome(Buffer.from(stringify(put(path, value))));
      if (isProject(result)) expectHarmless(result);
    }),
    { numRuns: 700 },
  );
});

test("any bytes are loaded or refused", async () => {
  const yamlish = fc.string({
    unit: fc.constantFrom(..."name: demo\n\t-[]{}&*!|>'\"%@`#,?0~${.}<é\u0085\uE000"),
    maxLength: 200,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        yamlish.map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 200 }),
      ),
      async (bytes) => {
        await outcome(bytes);
      },
    ),
    { numRuns: 1500 },
  );
});

test("F23: cut after every byte, and so after every 64, it loads or says what is wrong", async () => {
  const bytes = Buffer.from(`# Köln\n${stringify(full())}`);
  let refused = 0;
  for (let length = 0; length < bytes.length; length += 1) {
    if (!isProject(await outcome(bytes.subarray(0, length)))) refused += 1;
  }
  expect(refused).toBeGreaterThan(bytes.length / 4);
});

test("T4: a secret in place of its reference is in no message", async () => {
  const canary = "CanaryZq7";
  const hiding = [
    ["workloads", "nb", "password"],
    ["workloads", "nb", "save", "token"],
    ["secrets", "a"],
    ["secrets", "a", "env"],
    ["secrets", "a", "value"],
    ["secrets", "b", "file"],
    ["secrets", "c", "command"],
    ["secrets", "a", canary],
    ["secrets"],
  ];
  const shapes = [
    (secret: string) => secret,
    (secret: string) => `${secret} with words: and # signs`,
    (secret: string) => [secret],
    (secret: string) => ({ [secret]: secret }),
    (secret: string) => ({ value: { [secret]: { x: 1 } } }),
    (secret: string) => `\${${secret}}`,
  ];
  let refused = 0;
  for (const path of hiding) {
    for (const shape of shapes) {
      const result = await outcome(Buffer.from(stringify(put(path, shape(canary)))));
      if (isProject(result)) continue; // `env: CanaryZq7` names a variable
      refused += 1;
      expect(result.join("\n")).not.toContain(canary);
    }
  }
  expect(refused).toBeGreaterThan(30);
});

test("T4: a secret in YAML that is broken is in no message", async () => {
  const canary = "CanaryZq7";
  const broken = ['"a\\q', "@", "`", "'", "[", "{", "*", "&", "!", "%", "x: y: ", "| \n  ", "\t", "? "];
  for (const start of broken) {
    const result = await outcome(
      Buffer.from(`name: demo\nworkloads:\n  nb:\n    type: lab\n    password: ${start}${canary}\n`),
    );
    expect(isProject(result), start).toBe(false);
    expect(JSON.stringify(result)).not.toContain(canary);
  }
});

function expectPrintable(problem: string): void {
  // oxlint-disable-next-line no-control-regex
  expect(problem).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
}

/** What the rest of Sesta relies on without looking. */
function expectHarmless(project: Project): void {
  expect(project.name).toMatch(/^[a-z][a-z0-9-]{1,38}[a-z0-9]$/);
  const { host, insecure } = project.gateway;
  if (!insecure)
    expect(host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."))).toBe(true);
  for (const name of Object.keys(project.secrets)) expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_-]*$/);
  const ports = listLabs(project).flatMap(({ port }) => port ?? []);
  expect(new Set([...ports, project.gateway.port ?? 8470]).size).toBe(ports.length + 1);
  for (const [key, workload] of Object.entries(project.workloads)) {
    expect(key).toMatch(/^[a-z](?:[a-z0-9-]*[a-z0-9])?$/);
    expect(workload.name).toBe(key);
    expect(Object.hasOwn(project.targets, workload.target)).toBe(true);
  }
  for (const lab of listLabs(project)) {
    if (lab.password !== undefined) expect(Object.hasOwn(project.secrets, lab.password)).toBe(true);
    expect(lab.idleMs ?? 1_000).toBeGreaterThanOrEqual(1_000);
    if (lab.python !== undefined) expect(lab.python).toMatch(/^3\.1[0-4]$/);
    const { save } = lab;
    if (save) {
      // oxlint-disable-next-line no-control-regex
      expect(save.repo).not.toMatch(/^-|^[\w+.-]*::|:\/\/[^/]*:[^/]*@|[\u0000-\u001f]/);
      expect(save.branch ?? "main").not.toMatch(/^[-/.]|[\s~^:?*[\\]|\.\./);
      if (save.token !== undefined) expect(Object.hasOwn(project.secrets, save.token)).toBe(true);
      for (const pattern of [...save.include, ...save.exclude]) expect(pattern).not.toMatch(/^[!#]|[\n\r\0]/);
      expect(save.everyMs).toBeGreaterThanOrEqual(1_000);
      expect(save.author?.name ?? "").not.toMatch(/[<>\n]/);
    }
    for (const line of lab.packages) expect(line).toMatch(/^[A-Za-z0-9][^\n\r\0#$`]*$/);
    // oxlint-disable-next-line no-control-regex
    expect(lab.workspace).not.toMatch(/^[/~-]|(?:^|\/)\.\.(?:\/|$)|^\.$|^\.sesta(?:\/|$)|[\u0000-\u001f]/i);
  }
}
