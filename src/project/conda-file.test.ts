// Environment files of conda and of MLflow, in the words of pip.
import { expect, test } from "vitest";
import { describeLeft, parseCondaFile, parsePythonEnv } from "./conda-file.ts";
import { translateSpec } from "./conda-spec.ts";

test.each([
  ["numpy", "numpy"],
  ["numpy=1.26", "numpy==1.26.*"],
  ["numpy=1.26.*", "numpy==1.26.*"],
  ["numpy==1.26.4", "numpy==1.26.4"],
  ["numpy 1.26.4", "numpy==1.26.4"],
  ["numpy 1.26.*", "numpy==1.26.*"],
  ["scikit-learn>=1.3", "scikit-learn>=1.3"],
  ["scikit-learn >= 1.3, < 2", "scikit-learn>=1.3,<2"],
  ["scipy>=1.10.*,!=1.11.*", "scipy>=1.10,!=1.11.*"],
  ["scipy~=1.11.2", "scipy~=1.11.2"],
  ["torch=2.1.0rc1", "torch==2.1.0rc1"],
  ["pip", "pip"],
  ["pip<=24.0", "pip<=24.0"],
  ["numpy=*", "numpy>=0"],
  ["conda-forge::pandas=2", "pandas==2.*"],
  ["conda-forge/linux-64::pandas", "pandas"],
  ["pytorch::pytorch=2.1", "torch==2.1.*"],
  ["matplotlib-base", "matplotlib"],
  ["librosa", "librosa"],
])("%s becomes %s", (spec, requirement) => {
  expect(translateSpec(spec)).toEqual({ kind: "package", requirement });
});

test.each([
  ["python=3.10", "3.10"],
  ["python==3.10.4", "3.10.4"],
  ["python 3.11.*", "3.11"],
  ["python>=3.9,<3.12", ">=3.9,<3.12"],
  ["python", undefined],
])("%s names a Python", (spec, version) => {
  expect(translateSpec(spec)).toEqual({ kind: "python", version });
});

test.each([
  "cudatoolkit=11.8",
  "cuda-toolkit",
  "pytorch-cuda=12.1",
  "libgcc-ng",
  "_openmp_mutex=5.1",
  "r-base",
  "gcc_linux-64",
  "ffmpeg>=6",
])("%s is not to be had", (spec) => {
  expect(translateSpec(spec)).toEqual({ kind: "left", why: spec });
});

test("why something is not to be had, and what is lost of something that is", () => {
  const left = (spec: string) => {
    const found = translateSpec(spec);
    return found.kind === "left" ? found.why : found;
  };
  expect(left("acme::utils=1")).toBe("acme::utils=1 (of a channel that only conda reads)");
  expect(left("pytz=2023c")).toBe("pytz=2023c (its version has no form on PyPI)");
  expect(left("numpy=1.2|1.3")).toBe("numpy=1.2|1.3 (its version has no form on PyPI)");
  expect(left("numpy[version='>=1']")).toContain("no form on PyPI");
  expect(left("https://u:pw@host/a.conda")).toBe("https://… (not a plain package)");
  for (const spec of ["numpy=1.26=py310_0", "numpy 1.26 py310_0"])
    expect(translateSpec(spec)).toMatchObject({ kind: "package", lost: `the build of ${spec}` });
  expect(translateSpec("numpy=1.26=py310_0")).toMatchObject({ requirement: "numpy==1.26.*" });
  expect(translateSpec("numpy==1.26.4=py310_0")).toMatchObject({ requirement: "numpy==1.26.4" });
});

const whole = `
name: training
channels: [conda-forge, defaults]
dependencies:
  - python=3.11 # the lab's
  - numpy=1.26
  - cudatoolkit=11.8
  - pip
  - pip:
      - mlflow==2.9.2
      - -r requirements.txt
variables: { EPOCHS: 3 }
prefix: /opt/conda
`;

test("a whole file, and one sentence for what is left out", () => {
  const found = parseCondaFile(whole, "train: conda.yml");
  expect(found).toEqual({
    python: "3.11",
    requirements: ["numpy==1.26.*", "pip", "mlflow==2.9.2", "-r requirements.txt"],
    left: ["cudatoolkit=11.8", "variables (they go under `env`)"],
  });
  expect(describeLeft(found, "conda.yml")).toBe(
    "conda.yml: uv has PyPI alone, so left out is cudatoolkit=11.8, variables (they go under `env`); where the program needs it, bring it with `packages`, `setup` or a `container`",
  );
  expect(describeLeft({ ...found, left: [] }, "conda.yml")).toBeUndefined();
});

function problemsOf(text: string, parse = parseCondaFile): readonly string[] {
  let problems: readonly string[] = [];
  expect(() => {
    try {
      parse(text, "train: conda.yml");
    } catch (error) {
      ({ problems } = error as { problems: readonly string[] });
      throw error;
    }
  }).toThrow(expect.objectContaining({ code: "PROJECT_INVALID", where: "train: conda.yml" }));
  return problems;
}

test.each([
  ["", "expected a list of `dependencies`, as in a conda environment file"],
  ["[numpy]", "expected a list of `dependencies`, as in a conda environment file"],
  ["dependencies: numpy", "expected a list of `dependencies`, as in a conda environment file"],
  ["dependencies: [{ numpy: 1 }]", 'expected a package like numpy=1.26, or pip: with a list, got "numpy":'],
  ["dependencies: [{ pip: x }]", 'expected a package like numpy=1.26, or pip: with a list, got "pip":'],
  ["dependencies: [3]", 'expected a package like numpy=1.26, or pip: with a list, got "3"'],
  ["dependencies: [cudatoolkit, r-base]", "nothing of it can be had from PyPI: cudatoolkit, r-base"],
  ["dependencies: [a\n", "2:1: "],
  ["name: x\nname: y\ndependencies: []", '2:1: duplicate key "name"'],
])("%j is refused", (text, problem) => {
  expect(problemsOf(text)[0]?.slice(0, problem.length)).toBe(problem);
});

test("MLflow's own python_env.yaml", () => {
  const text =
    "python: 3.10\nbuild_dependencies: [pip, wheel==0.37.1]\ndependencies: [-r requirements.txt, six]\n";
  expect(parsePythonEnv(text, "x")).toEqual({
    python: "3.10",
    requirements: ["pip", "wheel==0.37.1", "-r requirements.txt", "six"],
    left: [],
  });
  expect(parsePythonEnv("", "x")).toEqual({ python: undefined, requirements: [], left: [] });
  expect(problemsOf("python: cpython\ndependencies: six\nconda: 1\n", parsePythonEnv)).toEqual([
    'expected a version of Python like 3.12, got "cpython"',
    "expected lists of packages like numpy==2.3",
    'unknown key "conda"',
  ]);
});
