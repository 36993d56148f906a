// What is ignored: as git itself says for any patterns, and in the order of precedence that stands in ignore-rules.ts.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import {
  createIgnoreRules,
  isEnvironment,
  parseIgnoreText,
  rootJudged,
  type Judged,
} from "./ignore-rules.ts";

const repository = mkdtempSync(join(tmpdir(), "sesta-ignore-"));
spawnSync("git", ["init", "-q", repository]);
afterAll(() => rmSync(repository, { recursive: true }));

/** What git says of each path, all of which are files. */
function askGit(ignore: string, paths: readonly string[]): boolean[] {
  writeFileSync(join(repository, ".gitignore"), ignore);
  const { stdout } = spawnSync(
    "git",
    [
      "-c",
      "core.excludesFile=",
      "-c",
      "core.ignoreCase=false",
      "check-ignore",
      "--no-index",
      "-v",
      "-n",
      "-z",
      "--stdin",
    ],
    {
      cwd: repository,
      input: paths.join("\0"),
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: repository },
    },
  );
  const fields = stdout.split("\0");
  return paths.map((_, index) => {
    const [source = "", pattern = ""] = [fields[index * 4], fields[index * 4 + 2]];
    return source !== "" && !pattern.startsWith("!");
  });
}

/** As the walk does: from the outermost folder inwards, nothing beneath an ignored one. */
function askRules(ignore: string, path: string): boolean {
  const rules = createIgnoreRules({ include: [], exclude: [] });
  let within: Judged = { ...rootJudged, files: [{ folder: "", patterns: parseIgnoreText(ignore) }] };
  const parts = path.split("/");
  for (const index of parts.keys()) {
    const last = index === parts.length - 1;
    const judged = rules.judge(parts.slice(0, index + 1).join("/"), !last, within);
    if (judged.ignored) return true;
    within = { ...judged, files: within.files };
  }
  return false;
}

test("any lines of .gitignore mean what they mean to git", { timeout: 120_000 }, () => {
  const piece = fc.constantFrom(
    "a",
    "b",
    "ab",
    "*",
    "**",
    "?",
    "[ab]",
    "[!a]",
    "[a-c]x",
    "\\*",
    "a*",
    "*.b",
    "[[:alpha:]]",
    "!",
    "#",
    " ",
    "\\ ",
    "[",
    "]",
    "\\",
    "***",
    "[]a]",
    "[^-a]",
    "{a}",
    "+",
    "(",
    "$",
  );
  const line = fc
    .tuple(
      fc.constantFrom("", "!", "/", "!/", "\\!", "\\#"),
      fc.array(piece, { minLength: 1, maxLength: 3 }),
      fc.array(fc.array(piece, { minLength: 1, maxLength: 2 }), { maxLength: 3 }),
      fc.constantFrom("", "/", " ", "\r", "/**"),
    )
    .map(
      ([start, first, rest, end]) => start + [first, ...rest].map((parts) => parts.join("")).join("/") + end,
    )
    // Git strips what stands before the first wildcard, so that `a**/b` matches `ax/b`, against its own documentation.
    .map((text) => text.replaceAll(/(?<=[^/!])\*{2,}|\*{2,}(?=[^/ \r])/g, "*"));
  const segment = fc.constantFrom(
    "a",
    "b",
    "ab",
    "abx",
    "x.b",
    "*",
    "!a",
    "#",
    "c",
    "a ",
    "[",
    "]",
    "-",
    "{a}",
    "a*",
    "ax",
  );
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  fc.assert(
    fc.property(
      fc.array(line, { minLength: 1, maxLength: 4 }),
      fc.uniqueArray(path, { minLength: 8, maxLength: 24 }),
      (lines, paths) => {
        const ignore = `${lines.join("\n")}\n`;
        const asked = askGit(ignore, paths);
        expect(paths.map((path) => [ignore, path, askRules(ignore, path)])).toEqual(
          paths.map((path, index) => [ignore, path, asked[index]]),
        );
      },
    ),
    { numRuns: process.env["SESTA_FAULTS"] === "full" ? 3_000 : 150 },
  );
});

const within = (text: string): Judged => ({
  ...rootJudged,
  files: [{ folder: "", patterns: parseIgnoreText(text) }],
});

test("include wins over everything, also in an ignored folder, which is entered only where it could", () => {
  const rules = createIgnoreRules({
    include: ["data/raw/*.csv", "/venv/keep", "!data/raw/no.csv"],
    exclude: ["*.csv"],
  });
  expect([
    rules.reaches("data"),
    rules.reaches("data/raw"),
    rules.reaches("data/other"),
    rules.reaches("venv"),
  ]).toEqual([true, true, false, true]);
  expect([rules.reaches("node_modules"), rules.reaches("x/data")]).toEqual([false, false]);
  const ignored = { ...rules.judge("data", true, within("data/\n")), files: [] };
  expect(ignored).toMatchObject({ ignored: true });
  expect(rules.judge("data/raw/a.csv", false, ignored)).toEqual({ ignored: false, included: true });
  expect(rules.judge("data/raw/no.csv", false, ignored).ignored).toBe(true);
  expect(rules.judge("a.csv", false, rootJudged).ignored).toBe(true);
  const kept = { ...rules.judge("venv/keep", true, { ...rootJudged, ignored: true }), files: [] };
  expect(rules.judge("venv/keep/__pycache__", true, kept).ignored).toBe(false);
  expect(createIgnoreRules({ include: ["*.pt"], exclude: [] }).reaches("venv/lib")).toBe(true);
});

test("exclude stands above .gitignore files, the deepest of them above the others, the defaults below all", () => {
  const rules = createIgnoreRules({ include: [], exclude: ["/big/", "!keep.log"] });
  const files = [
    { folder: "", patterns: parseIgnoreText("*.log\n!big/\n!venv/\n") },
    { folder: "sub", patterns: parseIgnoreText("!x.log\n/local\n") },
  ];
  const ask = (path: string, isFolder = false) =>
    rules.judge(path, isFolder, { ...rootJudged, files }).ignored;
  expect([ask("sub/x.log"), ask("sub/y.log"), ask("sub/keep.log"), ask("sub/local")]).toEqual([
    false,
    true,
    false,
    true,
  ]);
  expect([
    ask("big", true),
    ask("venv", true),
    ask(".venv", true),
    ask("sub/.ipynb_checkpoints", true),
  ]).toEqual([true, false, true, true]);
  expect([ask("venv"), ask("sub/.~a.ipynb"), ask("sub/inner/local")]).toEqual([false, true, false]);
});

test("only what the project file names without a wildcard is named", () => {
  const rules = createIgnoreRules({ include: [".env", "/a/b.txt", "*.key", "c/", "d/?"], exclude: [] });
  expect([".env", "a/b.txt", "x.key", "c", "d/e", "x/.env"].map(rules.names)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test("a Python environment is one by what is in it", () => {
  expect([
    isEnvironment(["bin", "pyvenv.cfg"]),
    isEnvironment(["conda-meta"]),
    isEnvironment(["env.py"]),
  ]).toEqual([true, true, false]);
});
