// The command of an entry point: filled in, quoted, and refused where it cannot be.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import type { EntryParameter, MlProject } from "../../model/mlproject.ts";
import { buildProjectScript, parseProjectArguments } from "./project-command.ts";

const say = `printf '%s\\n'`;

function project(command: string, parameters: Record<string, EntryParameter> = {}): MlProject {
  return { docker: false, entries: { main: { command, parameters } } };
}

const job = { folder: ".", entry: "main", parameters: {} };

/** What a real shell makes of it. */
function run(of: MlProject, given: Record<string, string> = {}, section = job, cwd = "/"): string {
  const script = buildProjectScript(section, of, given, "train: MLproject");
  return execFileSync("sh", ["-c", script], { encoding: "utf8", cwd, stdio: ["ignore", "pipe", "ignore"] });
}

test("values: of the file, over them the job's, over them the command line's", () => {
  const of = project(`${say} {a} {b} {c}`, {
    a: { type: "string", value: "1" },
    b: { type: "string", value: "1" },
    c: { type: "string", value: "1" },
  });
  expect(run(of, { c: "3" }, { ...job, parameters: { b: "2", c: "2" } })).toBe("1\n2\n3\n");
});

test("hostile values are words, whatever is in them", () => {
  const value = `a 'b' "c" $(echo no) \`id\` ; rm -rf x {d} \\ \n*`;
  const of = project(`${say} {a}`, { a: { type: "string" } });
  expect(run(of, { a: value })).toBe(`${value}\n`);
  expect(run(of, { a: "" })).toBe("\n");
  expect(run(of, { a: "x", constructor: value })).toBe(`x\n--constructor\n${value}\n`); // not declared: as an option
});

test("doubled braces are for the shell, which is bash where there is one", () => {
  expect(run(project("x=1; echo ${{x}} {{}} {{{a}}}", { a: { type: "string", value: "y" } }))).toBe(
    "1 {} {y}\n",
  );
  expect(run(project("echo one\necho two\n"))).toBe("one\ntwo\n");
});

test("a project in a folder runs there; a file may be the entry point", () => {
  expect(run(project("pwd"), {}, { ...job, folder: "usr/bin" })).toBe("/usr/bin\n");
  const script = (entry: string) => buildProjectScript({ ...job, entry }, project("x"), { a: "1" }, "x");
  expect(script("a {b}.py")).toContain(`python '\\''a {b}.py'\\'' --a 1`);
  expect(script("go.sh")).toContain("bash go.sh --a 1");
});

function refusal(of: MlProject, given: Record<string, string> = {}, section = job): unknown {
  try {
    return buildProjectScript(section, of, given, "train: MLproject");
  } catch (error) {
    const { code, message, hint, where } = error as Record<string, unknown>;
    return [code, where, `${String(message)} | ${String(hint)}`];
  }
}

test("what is missing, unknown or of another type is named", () => {
  const at = "train: MLproject";
  const two = project("x", {
    a: { type: "string" },
    b: { type: "path" },
    c: { type: "uri", value: "s3://x" },
  });
  expect(refusal(two)).toEqual([
    "USAGE",
    at,
    expect.stringMatching(/main needs a value for a, b \|.*-P a=…/),
  ]);
  expect(refusal(two, {}, { ...job, entry: "train" })).toEqual([
    "PROJECT_INVALID",
    at,
    expect.stringMatching(/no entry point "train" \| It has main:/),
  ]);
  for (const command of [
    "{nobody}",
    "${HOME}",
    "{}",
    "{0}",
    "{a!r}",
    "{a:>3}",
    "{ a }",
    "{",
    "a }",
    "{a[0]}",
  ])
    expect(refusal(project(command, { a: { type: "string", value: "1" } })), command).toEqual([
      "PROJECT_INVALID",
      at,
      expect.stringContaining("in its command is no parameter | Its parameters: a."),
    ]);
  const typed = (type: EntryParameter["type"], value: string) =>
    refusal(project("echo {a}", { a: { type } }), { a: value });
  for (const fine of ["1", "-0.5", "1e-3", "1.", ".5", "inf", "1_000"])
    expect(typed("float", fine), fine).toBeTypeOf("string");
  for (const wrong of ["", "x", "1.2.3", "1e", "0x1", "1 2"])
    expect(typed("float", wrong), wrong).toEqual([
      "USAGE",
      at,
      expect.stringContaining("a must be a number"),
    ]);
  expect(typed("uri", "data")).toEqual(["USAGE", at, expect.stringContaining("an address with a scheme")]);
  expect(typed("uri", "s3://b/k")).toBeTypeOf("string");
  expect(typed("path", "s3://b/k")).toEqual([
    "USAGE",
    at,
    expect.stringContaining("a path in the run's folder"),
  ]);
  expect(typed("path", "data/x.csv")).toBeTypeOf("string");
});

test("-P as mlflow run takes it", () => {
  expect(parseProjectArguments(["-P", "a=1", "-Pb=x=y", "--param-list", "c=", "--param-list=d=2"])).toEqual({
    a: "1",
    b: "x=y",
    c: "",
    d: "2",
  });
  for (const args of [
    ["a=1"],
    ["-P"],
    ["-P", "a"],
    ["--alpha", "1"],
    ["-P", "a b=1"],
    ["-P", "a=1", "-P", "a=2"],
    [""],
  ])
    expect(() => parseProjectArguments(args), args.join(" ")).toThrow(
      expect.objectContaining({ code: "USAGE" }),
    );
});
