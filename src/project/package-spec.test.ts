// Python requirements: which are one harmless line, and which are not.
import { expect, test } from "vitest";
import { packageProblem } from "./package-spec.ts";

test.each([
  "pandas",
  "scikit-learn==1.5",
  "numpy >= 1.26, < 3",
  "numpy (>=1.26)",
  "torch~=2.4",
  "x===1.0+local",
  "requests[socks, security]==2.*",
  "tomli ; python_version < '3.11' and sys_platform == \"linux\"",
  "demo @ https://host.test/demo-1.0-py3-none-any.whl#sha256=abc",
  "demo @ git+https://host.test/acme/demo.git@v1.2#subdirectory=py",
  "demo @ git+ssh://git@host.test/acme/demo.git",
  " pandas ",
])("%s", (spec) => expect(packageProblem(spec)).toBeUndefined());

test.each([
  "",
  "-e .",
  "--index-url=https://host.test",
  "-r other.txt",
  "./local",
  "pandas # comment",
  "pandas --hash=sha256:abc",
  "pandas\nnumpy",
  "pandas\\",
  "pandas;",
  "pandas=1",
  "a b",
  "$(id)",
  "`id`",
  "demo @ file:///etc/passwd",
  "demo @ http://host.test/x.whl",
  "demo @ https://me@host.test/x.whl",
  "demo @ https://me:pw@host.test/x.whl",
  "demo @ https://me:p/w@host.test/x.whl",
  "demo @ git+ssh://git:pw@host.test/x.git",
  "demo @ https://host.test/x.whl?token=abc",
  "пандас",
  `${"a".repeat(200)}`,
])("%j is refused", (spec) => expect(packageProblem(spec)).toBeDefined());

test("a long adversarial text is judged at once", () => {
  for (const piece of ["a.", "a,", ">=1,", "[a", " ", "a;a"]) {
    expect(packageProblem(`a${piece.repeat(100_000)}!`)).toBeDefined();
  }
}, 2_000);
