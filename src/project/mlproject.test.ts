// MLproject files: what is read of them, and what is refused.
import { expect, test } from "vitest";
import { parseMlproject } from "./mlproject.ts";

test("entry points, parameters in both forms, defaults as Python prints them", () => {
  const text = `
name: tutorial
python_env: python_env.yaml
entry_points:
  main:
    parameters:
      data: path
      alpha: { type: float, default: 0.10 }
      rate: { default: 1e-3 }
      shuffle: { type: string, default: true }
      note: { type: string, default: null }
      from: uri
    command: "python train.py {alpha}"
  validate: { command: "sh validate.sh" }
`;
  expect(parseMlproject(text, "train: MLproject")).toEqual({
    docker: false,
    environment: { kind: "python_env", file: "python_env.yaml" },
    entries: {
      main: {
        command: "python train.py {alpha}",
        parameters: {
          data: { type: "path" },
          alpha: { type: "float", value: "0.10" },
          rate: { type: "string", value: "1e-3" },
          shuffle: { type: "string", value: "True" },
          note: { type: "string" },
          from: { type: "uri" },
        },
      },
      validate: { command: "sh validate.sh", parameters: {} },
    },
  });
  expect(parseMlproject("", "x")).toEqual({ docker: false, entries: {} });
  expect(parseMlproject("docker_env: { image: x }", "x")).toEqual({ docker: true, entries: {} });
});

test("every problem at once, with the file", () => {
  const text = `
conda_env: [a]
python_env: p.yaml
docker_env: { image: x }
databricks_spark_job: {}
entry_points:
  a: { parameters: { x: integer, y: [1], z: { type: 3 }, w: { default: [1] } }, command: x }
  b: { command: 3 }
  c:
  d: { parameters: 3, command: x }
`;
  expect(() => parseMlproject(text, "train: MLproject")).toThrow(
    expect.objectContaining({
      code: "PROJECT_INVALID",
      where: "train: MLproject",
      problems: [
        "conda_env: expected the path of a file",
        "expected one of conda_env, python_env and docker_env at most",
        "databricks_spark_job: runs on Databricks only",
        'entry_points.a.parameters.x: expected a type of string, float, path or uri, got "integer"',
        "entry_points.a.parameters.y: expected a type of string, float, path or uri",
        "entry_points.a.parameters.z: expected a type of string, float, path or uri",
        "entry_points.a.parameters.w: expected text, a number, true or false as its default",
        "entry_points.b: its `command` is missing, or no text",
        "entry_points.c: its `command` is missing, or no text",
        "entry_points.d.parameters: expected a mapping of names",
      ],
    }),
  );
  expect(() => parseMlproject('entry_points: { "a\\eb": { command: x } }', "x")).toThrow(
    expect.objectContaining({ problems: ['a name cannot hold "a\\u001bb"'] }),
  );
  expect(() => parseMlproject("- a", "x")).toThrow(expect.objectContaining({ code: "PROJECT_INVALID" }));
});
