// The checks of the checkout itself: types, lint, format, generated files, layers, file rules. Each failure names its place.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { format } from "oxfmt";
import { expect, test } from "vitest";
import { findImports, listFiles, readSource, root, type SourceFile } from "./support/source-files.ts";

// The design's list, lowest first.
const layers = [
  "base",
  "model",
  "commands",
  "machine",
  "state",
  "front",
  "workloads",
  "targets",
  "pipelines",
  "project",
  "operations",
  "gateway",
  "agent",
  "model-server",
  "acme",
  "functions",
  "cli",
];
const reachOfPrograms = layers.slice(0, layers.indexOf("front") + 1);

/** Longer than 250 lines for a reason. */
const longFiles: Readonly<Record<string, string>> = {
  "src/agent/supervisor.ts": "one live thing: the states of a workload and every way from one to the next",
  "src/front/proxy/exchange.ts": "one request through the proxy: its two streams share their state",
};
const longestLines = 250;

const files = listFiles();
const sources = files
  .filter(
    (path) => path.startsWith("src/") && !/\.gen\.ts$|\.json$|\.svg$|requirements\.(in|txt)$/.test(path),
  )
  .flatMap((path) => readSource(path) ?? []);
const programs = sources.filter(({ path }) => path.endsWith(".ts") && !path.endsWith(".test.ts"));

test("types", { timeout: 180_000 }, () => {
  expect(run("node_modules/.bin/tsc", "-p", root)).toBe("");
});

test("lint", () => {
  const problems = run("node_modules/.bin/oxlint", "-f", "unix").split("\n");
  expect(problems.filter((line) => /^\S+:\d+:\d+:/.test(line))).toEqual([]);
  expect(run("node_modules/.bin/oxlint", "--quiet")).toContain("0 errors");
});

test("format", { timeout: 120_000 }, async () => {
  const listed = run("node_modules/.bin/oxfmt", "--list-different")
    .split("\n")
    .filter((line) => line !== "");
  expect(await Promise.all(listed.map(firstDifference))).toEqual([]);
});

test("generated files are what their sources say", { timeout: 120_000 }, () => {
  expect(run(process.execPath, "scripts/generate.ts", "--check")).toBe("");
});

test("a file imports only from its own folder and the layers below it", () => {
  expect(programs.flatMap((file) => findImports(file).flatMap((one) => judgeImport(file, one)))).toEqual([]);
});

test("every folder of src/ is a layer", () => {
  const folders = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(folders.map(({ name }) => name).filter((name) => !layers.includes(name))).toEqual([]);
});

test("a file says in its first line what it is for", () => {
  const silent = sources.filter(({ lines: [first = "", second = ""] }) => {
    const opening = first.startsWith("#!") ? second : first;
    return !/^(\/\/|\/\*|#|<!--|""") ?\S/.test(opening);
  });
  expect(silent.map(({ path }) => `${path}:1: the first line is no comment`)).toEqual([]);
});

test("files have names of their own, in kebab-case", () => {
  const vague = /(^|\/)(utils?|helpers?|common|managers?|index|misc|shared|types|constants)\.ts$/;
  const named = files.filter(
    (path) => /^(src|test|bench|scripts)\//.test(path) && /\.(ts|js|css)$/.test(path),
  );
  expect(
    named.filter((path) => vague.test(path) || !/(^|\/)[a-z0-9][a-z0-9-]*(\.[a-z]+)+$/.test(path)),
  ).toEqual([]);
});

test("no check is switched off, and nothing is trusted that was not checked", () => {
  const off =
    /@ts-(?:ignore|nocheck|expect-error)|(?:oxlint|eslint)-disable(?!-next-line no-control-regex$)|\bas any\b|\bas never as\b/;
  expect(programs.flatMap((file) => grep(file, off))).toEqual([]);
});

test("clock, environment and console belong to the command line and the executables", () => {
  const world = /\bprocess\.env\b|\bDate\.now\b|\bnew Date\(\)|\bconsole\./;
  const allowed = new Set([
    "src/base/clock.ts",
    "src/agent/main.ts",
    "src/functions/lambda.ts",
    "src/model-server/main.ts",
    "src/main.ts",
  ]);
  const below = programs.filter(({ path }) => !path.startsWith("src/cli/") && !allowed.has(path));
  // A launch's `process.env` is its own, see `ProcessSpec`.
  const found = below
    .filter(({ path }) => path !== "src/agent/process.ts")
    .flatMap((file) => grep(file, world));
  expect(found).toEqual([]);
});

test("files are short", () => {
  const lengths = programs.map(({ path, lines }) => ({ path, length: lines.length - 1 }));
  const sorted = lengths.map(({ length }) => length).toSorted((a, b) => a - b);
  console.log(
    `src: ${sorted.length} files, median ${sorted[Math.floor(sorted.length / 2)]} lines, longest ${sorted.at(-1)}`,
  );
  const long = lengths.filter(({ path, length }) => length > longestLines && !Object.hasOwn(longFiles, path));
  expect(long.map(({ path, length }) => `${path}:${length}: longer than ${longestLines} lines`)).toEqual([]);
  const isLong = (path: string) => lengths.some((one) => one.path === path && one.length > longestLines);
  expect(Object.keys(longFiles).filter((path) => !isLong(path))).toEqual([]);
});

test("nothing says where it was developed", () => {
  const here = new RegExp(
    placesHere()
      .map((place) => place.replace(/[^\w/]/g, "\\$&"))
      .join("|"),
  );
  const home = /(?:^|[\s"'`(=:])\/(?:home|Users)\/(?!me\/|user\/|ada\/|alice\/)[a-z]\w*\//;
  const texts = files.flatMap((path) => readSource(path) ?? []);
  expect(texts.flatMap((file) => [...grep(file, here), ...grep(file, home)])).toEqual([]);
});

test("no lock names a registry", () => {
  const locks = files.filter((path) =>
    /(^|\/)(package-lock\.json|requirements[^/]*\.(txt|in)|uv\.lock)$/.test(path),
  );
  expect(locks).toContain("package-lock.json");
  const named = locks
    .flatMap((path) => readSource(path) ?? [])
    .flatMap((file) => {
      // Addresses of funding pages are not where packages come from.
      const isNpm = file.path.endsWith("package-lock.json");
      return grep(file, isNpm ? /"resolved"|registry/ : /https?:\/\/|--(?:extra-)?index|--find-links/);
    });
  expect(named).toEqual([]);
});

/** What it printed, on success and on failure. */
function run(program: string, ...operands: string[]): string {
  const { stdout, stderr, error } = spawnSync(program, operands, {
    cwd: root,
    encoding: "utf8",
    env: plainEnv(),
  });
  if (error) throw error;
  return `${stdout}${stderr}`;
}

function plainEnv(): NodeJS.ProcessEnv {
  return { ...process.env, NO_COLOR: "1", NODE_OPTIONS: "--disable-warning=ExperimentalWarning" };
}

async function firstDifference(path: string): Promise<string> {
  const text = readFileSync(join(root, path), "utf8");
  const { code } = await format(path, text, JSON.parse(readFileSync(join(root, ".oxfmtrc.json"), "utf8")));
  const formatted = code.split("\n");
  const line = text.split("\n").findIndex((one, index) => one !== formatted[index]) + 1;
  return `${path}:${line}: run \`npm run fix\``;
}

function judgeImport({ path }: SourceFile, { line, from }: { line: number; from: string }): string[] {
  if (!from.startsWith(".")) return [];
  const target = posix.join(dirname(path), from);
  const [own, other] = [layerOf(path), layerOf(target)];
  if (own === other) return [];
  const place = `${path}:${line}: imports ${target}`;
  if (other === undefined) return [`${place}, which is outside of src/`];
  if (own === undefined)
    return ["cli", "base"].includes(other) ? [] : [`${place}; main.ts imports base and cli`];
  if (layers.indexOf(other) > layers.indexOf(own)) return [`${place}, a layer above`];
  const isProgram = own === "agent" || own === "functions";
  if (isProgram && !reachOfPrograms.includes(other)) return [`${place}; ${own} imports only base to front`];
  if ((own === "model-server" || own === "acme") && other !== "base" && other !== "model")
    return [`${place}; ${own} imports only base and model`];
  if (own === "targets" && other === "workloads") return [`${place}; no target imports a workload`];
  return [];
}

/** Undefined for src/main.ts and for what is not in src/. */
function layerOf(path: string): string | undefined {
  const [top, layer, rest] = path.split("/");
  return top === "src" && rest !== undefined ? layer : undefined;
}

function grep({ path, lines }: SourceFile, pattern: RegExp): string[] {
  return lines.flatMap((text, index) =>
    pattern.test(text) ? [`${path}:${index + 1}: ${text.trim().slice(0, 100)}`] : [],
  );
}

/** The folder of this checkout, its siblings, and the registry of this machine unless it is the public one. */
function placesHere(): string[] {
  const parent = dirname(root);
  const folders = parent === "/" ? [root] : readdirSync(parent).map((name) => join(parent, name));
  const registry =
    spawnSync("npm", ["config", "get", "registry"], { cwd: root, encoding: "utf8" }).stdout.match(
      /https?:\/\/([^/\s]+)/,
    )?.[1] ?? "";
  return [...folders, ...(registry === "" || registry === "registry.npmjs.org" ? [] : [registry])];
}
