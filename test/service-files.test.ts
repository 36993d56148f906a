// What is in the folder of a release, seen there: sources as git sees them, and nothing that is private or not its own.
import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { listTree } from "./support/job-project.ts";
import { createServiceProject, type ReleaseJson, type ServiceProject } from "./support/service-project.ts";

const canary = "files-canary-5d07";
let project: ServiceProject;
afterEach(() => project?.end(), 60_000);

const git = (...argv: string[]) =>
  execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...argv], {
    cwd: project.folder,
    encoding: "utf8",
  }).trim();
const released = (release: number) =>
  listTree(project.path(".sesta", "agent", "services", "iris", String(release), "tree"));
/** Files of releases, and of what is kept beside them, that tell the canary. */
const telling = () =>
  execFileSync("sh", ["-c", 'grep -rlF -- "$1" .sesta || true', "-", canary], {
    cwd: project.folder,
    encoding: "utf8",
  }).trim();
const writeAll = (files: readonly string[]) => {
  for (const path of files) project.write(path, `${path}: ${canary}\n`);
};

test(
  "T4: ignored files, secrets, keys, and what lies beside playbooks stay out",
  { timeout: 60_000 },
  async () => {
    const top = `secrets: { one: { file: keys/one }, two: { file: deep/er/two.txt } }
targets: { box: { type: ssh, hosts: [{ name: a, host: 192.0.2.1, key: team.pem }] } }`;
    project = await createServiceProject("", {}, top);
    const jobs = `  train: { type: job, run: ./train, playbook: ansible/site.yaml, fetch: [model], into: output }
  other: { type: job, run: ./other, playbook: top.yaml }
  notebook: { type: lab, workspace: lab }`;
    project.write("sesta.yaml", `${await project.read("sesta.yaml")}${jobs}\n`);
    project.ship("one");
    for (const path of [
      "data.txt",
      "ansible/site.yaml",
      "top.yaml",
      "vars.sh.txt",
      "deep/kept.txt",
      "tools/run.sh",
    ])
      project.write(path, "");
    chmodSync(project.path("tools/run.sh"), 0o755);
    project.write(".gitignore", "*.log\n/local/\n.env\n.sesta/\n");
    project.write("deep/.gitignore", "cache/\n!kept.log\n");
    project.write("deep/kept.log", "");
    const secret = ["keys/one", "deep/er/two.txt", "team.pem", "vars.sh", "key.pem"];
    const beside = ["ansible/vars.sh", "ansible/key.pem"];
    const ignored = ["a.log", "deep/b.log", "local/c", "deep/cache/d", ".env"];
    const others = [
      "output/model",
      "lab/a.ipynb",
      "__pycache__/x.pyc",
      "deep/.venv/y",
      "node_modules/z/index.js",
    ];
    writeAll([...secret, ...beside, ...ignored, ...others]);
    git("init", "-q");
    await project.must(["deploy", "iris", "-y"]);
    const expected = [
      ".gitignore",
      "ansible/site.yaml",
      "app.py",
      "data.txt",
      "deep/.gitignore",
      "deep/kept.log",
      "deep/kept.txt",
      "sesta.yaml",
      "tools/run.sh",
      "top.yaml",
      "vars.sh.txt",
    ];
    expect([released(1), telling()]).toEqual([expected, ""]);
    expect((await project.ask("/file/data.txt")).body).toBe("");

    for (const path of [...secret, ...beside, ...ignored, ...others])
      project.write(path, `changed ${canary}\n`);
    expect((await project.deploy()).stdout).toContain("Release 1 is this already");
  },
);

test(
  "a pipeline's release is without them too, also where somebody has committed them",
  {
    timeout: 60_000,
  },
  async () => {
    const pipeline = `secrets: { one: { file: keys/one } }
pipelines:
  ship:
    check:
      run: 'echo "accuracy: 0.95"'
      metric: { name: accuracy, pattern: "accuracy: (.+)", min: 0.9 }
    deploy: { deploy: iris, needs: [check] }`;
    project = await createServiceProject("", {}, pipeline);
    const jobs = `  train: { type: job, run: ./train, playbook: ansible/site.yaml }
  notebook: { type: lab, workspace: lab }`;
    project.write("sesta.yaml", `${await project.read("sesta.yaml")}${jobs}\n`);
    project.ship("one");
    project.write("ansible/site.yaml", "");
    project.write(".gitignore", ".sesta/\n");
    writeAll(["keys/one", "ansible/vars.sh", "lab/a.ipynb"]);
    git("init", "-q");
    git("add", "--all");
    git("commit", "-qm", "one");
    await project.must(["pipeline", "run", "ship", "-y"]);
    expect(released(1)).toEqual([".gitignore", "ansible/site.yaml", "app.py", "sesta.yaml"]);
    expect((await project.deploy()).stdout).toContain("Release 1 is this already");
    await project.must(["deploy", "iris", "-y", "--again"]);
    const { releases } = await project.json<{ releases: ReleaseJson[] }>(["releases", "iris"]);
    expect(releases.map(({ number, state }) => `${number} ${state}`)).toEqual(["2 live", "1 replaced"]);
  },
);
