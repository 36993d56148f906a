// What of a requirements file reaches uv.
import { expect, test } from "vitest";
import { parseRequirements } from "./requirements.ts";

test("comments and blank lines go, continued lines become one", () => {
  const text = "# team\npandas>=2 # tables\n\nnumpy \\\n  --hash=sha256:ab\r\nx @ https://host/a.zip#sha256=cd\n";
  expect(parseRequirements(text)).toEqual(["pandas>=2", "numpy    --hash=sha256:ab", "x @ https://host/a.zip#sha256=cd"]);
});

test("index options stay, also with a password from the environment", () => {
  const lines = ["--index-url https://index.example/simple", "--extra-index-url https://u:${PASS}@index.example/simple", "--pre"];
  expect(parseRequirements(lines.join("\n"))).toEqual(lines);
});

test.each(["-r other.txt", "-cother.txt", "--requirement=other.txt", "-e .", "./package", ".", "x @ ./package.whl", "-f ./wheels"])(
  "%s is refused, because the lines are read away from their folder",
  (line) => {
    expect(() => parseRequirements(`six\n${line}`)).toThrow(expect.objectContaining({ code: "PROJECT_INVALID" }));
  },
);

test("T4: a password in a URL is refused and not repeated", () => {
  let problems: readonly string[] = [];
  try {
    parseRequirements("--index-url https://bob:hunter22@index.example/simple");
  } catch (error) {
    ({ problems } = error as { problems: readonly string[] });
  }
  expect(problems).toEqual(["a URL holds a password: --index-url https://…@index.example/simple"]);
});
