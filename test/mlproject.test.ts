// Jobs that are MLflow projects, and jobs with an environment of conda: by the command line, on this machine.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJobHosts } from "./support/job-hosts.ts";
import { createJobProject, listTree, type JobProject } from "./support/job-project.ts";
import { findUv } from "./support/lab-environment.ts";
import { findMissingSshd } from "./support/ssh-server.ts";

const missingUv = findUv() === undefined ? "uv is not there and cannot be installed" : "";
if (missingUv !== "") console.warn(`mlproject.test.ts: skipped: ${missingUv}`);
const missingSshd = findMissingSshd() ?? "";
if (missingSshd !== "") console.warn(`mlproject.test.ts, over SSH: skipped: ${missingSshd}`);

const mlproject = `
name: tutorial
entry_points:
  main:
    parameters:
      alpha: { type: float, default: 0.5 }
      note: { type: string, default: "it's a \\"default\\"" }
    command: "python train.py --alpha {alpha} --note {note}"
  score:
    parameters: { data: path }
    command: "echo $PWD {data}; exit 3"
`;

const program = `
import json, sys
args = dict(zip(sys.argv[1::2], sys.argv[2::2]))
print(json.dumps(args))
with open("args.json", "w") as file:
    json.dump(args, file)
`;

const conda = `
name: tutorial
channels: [conda-forge]
dependencies:
  - python>=3.10
  - six=1.16
  - cudatoolkit=11.8
  - acme::utils
  - pip:
      - -r more.txt
`;

function declare(job: string): string {
  return `name: demo\nworkloads:\n  train:\n    type: job\n${job.replace(/^/gm, "    ")}\n`;
}

describe.skipIf(missingUv !== "")("an MLproject on this machine", { timeout: 120_000 }, () => {
  let project: JobProject;
  beforeAll(async () => {
    project = await createJobProject({ yaml: declare("project: .\nfetch: [args.json]") });
    project.write("MLproject", mlproject);
    project.write("train.py", program);
  });
  afterAll(() => project?.end(), 60_000);

  const refused = async (...args: string[]) => {
    const { code, stderr } = await project.sesta(["run", "train", ...args]);
    return `${code}: ${stderr}`;
  };

  test("main runs with its defaults, in an empty environment; what it wrote comes home", async () => {
    const { stdout } = await project.must(["run", "train"]);
    const given = { "--alpha": "0.5", "--note": `it's a "default"` };
    expect(JSON.parse(stdout)).toEqual(given);
    expect(JSON.parse(readFileSync(project.path("results/train/args.json"), "utf8"))).toEqual(given);
    expect((await project.must(["plan"])).stderr).toContain("unchanged");
  });

  test("parameters: the job's over the file's, those after -- over the job's", async () => {
    project.write("sesta.yaml", declare("project: .\nparameters: { alpha: 0.25, extra: $HOME }"));
    const { stdout } = await project.must(["run", "train", "--", "-P", "note=$(id); 'x'"]);
    expect(JSON.parse(stdout)).toEqual({ "--alpha": "0.25", "--note": "$(id); 'x'", "--extra": "$HOME" });
    expect(await project.run("train")).toMatchObject({ args: ["-P", "note=$(id); 'x'"], state: "succeeded" });
    expect(JSON.parse((await project.must(["run", "train", "--", "-Palpha=1"])).stdout)).toMatchObject({
      "--alpha": "1",
    });
  });

  test("another entry point ends with its own code; what is missing or wrong is said before anything runs", async () => {
    project.write("sesta.yaml", declare("project: .\nentry: score"));
    const before = (await project.runs()).length;
    expect(await refused()).toMatch(/^2: [^]*train: MLproject[^]*score needs a value for data/);
    expect(await refused("--", "--data", "x")).toMatch(/^2: [^]*not a parameter: --data[^]*-P NAME=VALUE/);
    expect(await refused("--", "-P", "data=s3://b/k")).toMatch(
      /^2: [^]*data must be a path in the run's folder/,
    );
    expect((await project.runs()).length).toBe(before);
    const { code, stdout } = await project.sesta(["run", "train", "--", "-P", "data=a b"]);
    expect([code, stdout]).toEqual([3, expect.stringMatching(/\/work a b\n$/)]);

    project.write("sesta.yaml", declare("project: .\nentry: nobody"));
    expect(await refused()).toMatch(/^2: [^]*no entry point "nobody"[^]*It has main, score/);
    project.write("sesta.yaml", declare("project: empty"));
    project.write("empty/a.txt", "");
    expect(await refused()).toMatch(/^1: [^]*There is no empty\/MLproject in the sources of train/);
    project.write(
      "docker/MLproject",
      "docker_env: { image: python }\nentry_points: { main: { command: x } }\n",
    );
    project.write("sesta.yaml", declare("project: docker"));
    expect(await refused()).toMatch(/^1: [^]*docker_env is not read[^]*container: \{ image/);
    const ejected = await project.sesta(["eject", "train", "--ansible"]);
    expect([ejected.code, ejected.stderr]).toEqual([
      1,
      expect.stringContaining("an MLproject file, which a playbook"),
    ]);
  });

  test("a project of a repository: its conda_env is made, what cannot be had is named", async () => {
    const git = (...operands: string[]) =>
      execFileSync(
        "git",
        ["-C", project.path("theirs"), "-c", "user.name=A", "-c", "user.email=a@example.org", ...operands],
        {
          env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" },
        },
      );
    project.write(
      "theirs/ml/mlproject",
      "conda_env: env.yaml\nentry_points: { main: { command: python use.py } }\n",
    );
    project.write("theirs/ml/env.yaml", conda);
    project.write("theirs/ml/more.txt", "packaging\n");
    project.write("theirs/ml/use.py", "import packaging, six\nprint(six.__version__)\n");
    git("init", "--quiet", "--initial-branch=main");
    git("add", ".");
    git("commit", "--quiet", "--message", "x");
    project.write("sesta.yaml", declare("repo: ./theirs\nproject: ml"));
    const { stdout, stderr } = await project.must(["run", "train"]);
    expect(stdout).toBe("1.16.0\n");
    expect(stderr).toMatch(/env\.yaml: uv has PyPI alone, so left out is cudatoolkit=11\.8, acme::utils/);
    project.write("theirs/ml/use.py", "");
    git("commit", "--quiet", "--all", "--message", "y");
    const environments = () =>
      listTree(join(project.home, ".sesta/cache/environments")).filter((path) => path.endsWith("/.complete"));
    const before = environments();
    await project.must(["run", "train"]);
    expect(environments()).toEqual(before);
  });

  test("python: conda.yml, with a run of one's own", async () => {
    project.write("conda.yml", conda.replace("six=1.16", "six=1.15"));
    project.write("more.txt", "packaging\n");
    project.write(
      "sesta.yaml",
      declare("python: conda.yml\nrun: python -c 'import six, packaging; print(six.__version__)'"),
    );
    expect((await project.must(["plan"])).stderr).toMatch(
      /make a Python environment with conda\.yml[^]*! conda\.yml: uv has PyPI alone, so left out is cudatoolkit=11\.8, acme::utils \(of a channel/,
    );
    expect((await project.must(["run", "train"])).stdout).toBe("1.15.0\n");
    project.write("conda.yml", "dependencies: [cudatoolkit]\n");
    expect(await refused()).toMatch(
      /^2: [^]*train: conda\.yml[^]*nothing of it can be had from PyPI: cudatoolkit/,
    );
  });
});

test.skipIf(missingUv !== "" || missingSshd !== "")(
  "an MLproject on a host over SSH, with the python_env beside it",
  { timeout: 120_000 },
  async () => {
    const hosts = await createJobHosts(["box"]);
    const yaml = `${declare("project: .\ntarget: box\nfetch: [args.json]")}targets: { box: { type: ssh, hosts: [${hosts.shown.join(", ")}] } }\n`;
    const project = await createJobProject({ yaml });
    try {
      project.write("MLproject", mlproject);
      project.write("python_env.yaml", "build_dependencies: [pip]\ndependencies: [-r more.txt]\n");
      project.write("more.txt", "six==1.16.0\n");
      project.write("train.py", `import six\n${program}`);
      const { stdout } = await project.must(["run", "train", "-y", "--", "-P", "note=a 'b'"]);
      expect(JSON.parse(stdout)).toEqual({ "--alpha": "0.5", "--note": "a 'b'" });
      expect(readFileSync(project.path("results/train/args.json"), "utf8").trim()).toBe(stdout.trim());
      expect(await project.run("train")).toMatchObject({ machine: "box", state: "succeeded" });
    } finally {
      await project.end();
      await hosts.end();
    }
  },
);
