// The argv of uv, exactly.
import { expect, test } from "vitest";
import { buildLock, buildLockedInstall, buildVenv, findUserInstall, uvVariables } from "./uv.ts";

test("an environment prefers the system's Python and belongs to no project", () => {
  expect(buildVenv("uv", "3.12", "/e").join(" ")).toBe(
    "uv venv --no-project --clear --python-preference system --python 3.12 /e",
  );
});

test("the lock is installed with digests required and bytecode compiled", () => {
  expect(buildLockedInstall("uv", "/e", "/lock.txt").join(" ")).toBe(
    "uv pip install --python /e/bin/python --compile-bytecode --require-hashes --requirements /lock.txt",
  );
});

test("the user's packages are constrained by the lock", () => {
  const wanted = { packages: ["pandas>=2", "six"], requirementsFile: "/r.txt" };
  expect(findUserInstall("uv", "/e", "/lock.txt", wanted)?.join(" ")).toBe(
    "uv pip install --python /e/bin/python --compile-bytecode --constraints /lock.txt --requirements /r.txt -- pandas>=2 six",
  );
  expect(findUserInstall("uv", "/e", "/lock.txt", { packages: [] })).toBeUndefined();
});

test("T9: a package that looks like an option is an operand", () => {
  const argv = findUserInstall("uv", "/e", "/lock.txt", { packages: ["--index-url=http://evil"] }) ?? [];
  expect(argv.slice(-2)).toEqual(["--", "--index-url=http://evil"]);
});

test("the lock says nothing of indexes", () => {
  expect(buildLock("uv", "in", "out", false)).toEqual(
    expect.arrayContaining(["--no-emit-index-url", "--no-header"]),
  );
  expect(buildLock("uv", "in", "out", false)).not.toContain("--upgrade");
  expect(buildLock("uv", "in", "out", true)).toContain("--upgrade");
});

test("compiling is never turned off, and the user's indexes are not touched", () => {
  expect(uvVariables).toHaveProperty("PYTHONDONTWRITEBYTECODE", undefined);
  expect(Object.keys(uvVariables).filter((name) => /INDEX|CONFIG|CERT|PROXY|MIRROR/.test(name))).toEqual([]);
});
