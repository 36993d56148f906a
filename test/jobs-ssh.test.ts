// The job examples on hosts over SSH, by the command line alone: real sshds, real Python, real PyTorch.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProjectStatus } from "../src/model/status.ts";
import { until } from "./faults/support/processes.ts";
import { findMissingPackage } from "./support/debian-package.ts";
import { findTorchPython } from "./support/example-program.ts";
import { createJobHosts, findMissingUnshare, type JobHosts } from "./support/job-hosts.ts";
import { createJobProject, listTree, listWorkingIn, type JobProject } from "./support/job-project.ts";
import { findUv, makeTestFolder } from "./support/lab-environment.ts";
import { createPodman, findMissingPodman, type Podman } from "./support/podman.ts";
import { root } from "./support/source-files.ts";
import { findMissingSshd } from "./support/ssh-server.ts";

const missing = findMissingSshd();
if (missing !== undefined) console.warn(`jobs-ssh.test.ts is skipped: ${missing}`);
const missingUv = findUv() === undefined ? "uv is not there and cannot be installed" : undefined;
if (missingUv !== undefined) console.warn(`jobs-ssh.test.ts, examples/train: skipped: ${missingUv}`);

const example = (name: string) => readFileSync(join(root, "examples", name, "sesta.yaml"), "utf8");

/** @throws Error where there is nothing to replace */
function edit(text: string, ...changes: (readonly [from: string | RegExp, to: string])[]): string {
  return changes.reduce((before, [from, to]) => {
    const after = before.replace(from, () => to);
    if (after === before) throw new Error(`${String(from)} is not there`);
    return after;
  }, text);
}

describe.skipIf((missing ?? missingUv) !== undefined)("examples/train over SSH", { timeout: 120_000 }, () => {
  let hosts: JobHosts;
  let project: JobProject;
  const result = (...parts: string[]) => readFileSync(project.path("results", ...parts));
  const base = () => join(hosts.servers[0]?.home ?? "", ".sesta");

  beforeAll(async () => {
    hosts = await createJobHosts(["box"]);
    // As the example says: the target uncommented, and the host named.
    const yaml = edit(
      example("train"),
      ["# targets:", "targets:"],
      [/# {3}box: .*/, `  box: { type: ssh, hosts: [${hosts.shown.join(", ")}] }`],
      ["    # target: box", "    target: box"],
    );
    project = await createJobProject({ example: "train", yaml });
  });
  afterAll(async () => {
    await project?.end();
    await hosts?.end();
  }, 60_000);

  test("T9: a first key is asked about; without an answer nothing is done there", async () => {
    expect((await project.must(["plan"])).stderr).toMatch(/trust box, whose key is SHA256:/);
    const { code, stderr } = await project.sesta(["run", "train"]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/SHA256:[^]*-y/)]);
    expect(existsSync(base())).toBe(false);
  });

  test("run: set up there, shown byte for byte, its output at home", async () => {
    const { stdout, stderr } = await project.must(["run", "train", "-y"]);
    expect(stdout.match(/^epoch \d\/5  loss /gm)).toHaveLength(5);
    expect(stderr).toContain(join(base(), "cache", "environments"));
    expect(result("output.txt").toString()).toBe(stdout);
    expect(listTree(project.path("results", "output"))).toHaveLength(4);
    expect(await project.run("train")).toMatchObject({
      state: "succeeded",
      machine: "box",
      exit_code: 0,
      fetched: { files: 5 },
      nodes: [{ folder: expect.stringContaining(join(base(), "runs")) as string, attempts: 1 }],
    });
    expect(existsSync(join(project.home, ".sesta"))).toBe(false); // nothing of it is on this machine
    expect((await project.must(["plan"])).stderr).toContain("train on box: unchanged");
  });

  test("a rerun comes beside it, with nothing to set up", async () => {
    const before = result("output.txt").toString();
    const { stderr } = await project.must(["run", "train", "--", "--epochs", "1"]);
    expect(stderr).not.toContain("environment");
    const { id } = await project.run("train");
    expect(result(id, "output.txt").toString()).toMatch(/^epoch 1\/1 .*\noutput\/ has .*\n$/);
    expect(result("output.txt").toString()).toBe(before);
  });

  test("F14: the host is away while it is followed: it goes on, and every byte comes once", async () => {
    const held = project.begin(["run", "train", "--", "--epochs", "12"]);
    await until(() => held.stdout().includes("epoch 1/"), "it does not begin");
    await hosts.cut(0);
    await until(() => held.stderr().includes("the connection to box broke"), "nobody says so");
    await hosts.restore(0);
    const { code, stdout, stderr } = await held.ended;
    expect([code, stderr]).toEqual([0, expect.stringMatching(/the run goes on there[^]*box is back/)]);
    expect(stdout.match(/^epoch \d+\/12 /gm)).toHaveLength(12);
    const run = await project.run("train");
    expect(run).toMatchObject({ state: "succeeded", nodes: [{ attempts: 1 }] });
    expect(result(run.id, "output.txt").toString()).toBe(stdout);
  });

  test("Ctrl-C lets go of it; logs -f, status, exec, fetch and stop come back to it", async () => {
    const held = project.begin(["run", "train", "--", "--epochs", "100000"]);
    await until(() => held.stdout().includes("epoch 1/"), "it does not begin");
    held.kill("SIGINT");
    expect(await held.ended).toMatchObject({
      code: 130,
      stderr: expect.stringMatching(/train-4-\w+ goes on without this command/) as string,
    });
    const { id } = await project.run("train");
    const follower = project.begin(["logs", id, "-f"]);
    await until(() => follower.stdout().includes("epoch 3/"), "no line came");
    const { workloads } = await project.json<ProjectStatus>(["status"]);
    expect(workloads).toMatchObject([{ name: "train", target: "box", state: "awake" }]);
    expect((await project.must(["exec", "train", "--", "pwd"])).stdout).toBe(
      `${join(base(), "runs", id, "work")}\n`,
    );
    await project.must(["fetch", id]);
    expect(result(id, "output.txt").toString()).toContain("epoch 3/100000");
    expect((await project.must(["stop", id])).stdout).toBe(`${id} stopped\n`);
    await project.must(["fetch", id]); // what came while it ran is not all of it
    const { stdout } = await follower.ended;
    expect(stdout).toMatch(/^epoch 1\/[^]*signal 15: output\/checkpoint\.npz holds/);
    expect(listWorkingIn(join(base(), "runs"))).toEqual([]);
  });

  test("a repository that only this machine has goes over at its commit", async () => {
    const theirs = project.path("theirs");
    mkdirSync(theirs);
    writeFileSync(join(theirs, "says"), "from a repository\n");
    const who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"];
    const git = (...operands: string[]) =>
      execFileSync("git", ["-C", theirs, ...who, ...operands], { encoding: "utf8" }).trim();
    git("init", "--quiet", "--initial-branch=main");
    git("add", ".");
    git("commit", "--quiet", "--message", "one");
    git("tag", "v1");
    const before = await project.read("sesta.yaml");
    project.write(
      "sesta.yaml",
      `${before}  tells: { type: job, target: box, repo: ./theirs, ref: v1, run: cat says; pwd }\n`,
    );
    const { stdout } = await project.must(["run", "tells"]);
    expect(stdout).toMatch(new RegExp(`^from a repository\n${base()}/runs/tells-1-`));
    expect(await project.run("tells")).toMatchObject({ commit: git("rev-parse", "HEAD"), dirty: false });
  });

  test("down: the receipt is true, outputs stay, and nothing of it runs", async () => {
    const { stdout } = await project.must(["down", "-y"]);
    expect(stdout).toMatch(new RegExp(`gone +box: ${base()}/cache/environments/`));
    expect(stdout).toMatch(new RegExp(`remains +${project.path("results")}\n`));
    expect(listTree(join(base(), "runs"))).toEqual([]);
    for (const kind of ["trees", "environments"]) expect(listTree(join(base(), "cache", kind))).toEqual([]);
    expect(listTree(join(project.home, ".sesta", "cache"))).toEqual([]); // of the repository that was read here
    expect(stdout).toContain(`remains  box: ${base()}/bin, which all projects share`);
    expect(listWorkingIn(base())).toEqual([]);
    expect(result("output.txt").toString()).toContain("epoch 5/5");
  });
});

const torch = findTorchPython();
if ("missing" in torch) console.warn(`jobs-ssh.test.ts, examples/dcgan: skipped: ${torch.missing}`);

const missingPair = missing ?? findMissingUnshare();
if (missingPair !== undefined) console.warn(`jobs-ssh.test.ts, two hosts: skipped: ${missingPair}`);

/** Small enough for two processes on two cores. */
const quick = [
  "--test_data",
  "--batch_size",
  "200",
  "--width",
  "4",
  "--log_every",
  "1",
  "--max_workers",
  "0",
];
const digits = 1_200;
const batches = digits / 200;
const torchrun = "/usr/bin/python3 -m torch.distributed.run -r 9:1 -t 9:1"; // PyTorch 1.13 under Python 3.11

async function createDcgan(yaml: string): Promise<JobProject> {
  const project = await createJobProject({ example: "dcgan", yaml });
  const draw = ["make_digits.py", "data", "--train", "1", "--test", String(digits)];
  execFileSync("/usr/bin/python3", draw, { cwd: project.folder, stdio: "ignore" });
  return project;
}

const pictures = ["discriminator.pt", "generator.pt", "samples_epoch_1.png"];

describe.skipIf("missing" in torch)("examples/dcgan", { timeout: 240_000 }, () => {
  const projects: JobProject[] = [];
  afterAll(async () => {
    for (const project of projects) await project.end();
  }, 60_000);

  test("on this machine, with Debian's PyTorch as the example says", async () => {
    const debian = "    env: { PYTHON: /usr/bin/python3, OMP_NUM_THREADS: 1 }\n";
    const project = await createDcgan(edit(example("dcgan"), ["    python: [torch, numpy]\n", debian]));
    projects.push(project);
    const { stdout } = await project.must(["run", "dcgan-here", "--", ...quick]);
    expect(stdout.match(/^epoch 1\/1  batch \d\/\d  loss_d \d/gm)).toHaveLength(batches);
    const into = project.path("results", "dcgan-here");
    expect(readFileSync(join(into, "output.txt"), "utf8")).toBe(stdout);
    expect(listTree(join(into, "output"))).toEqual(pictures);
    expect(
      readFileSync(join(into, "output", "samples_epoch_1.png"))
        .subarray(1, 4)
        .toString(),
    ).toBe("PNG");
    expect((await project.run("dcgan-here")).peak_memory_bytes).toBeGreaterThan(50_000_000);
  });

  test.skipIf(missingPair !== undefined)("on two hosts at once", async () => {
    const hosts = await createJobHosts(["gpu-box-1", "gpu-box-2"], { apart: true });
    try {
      const project = await createDcgan(
        edit(
          example("dcgan"),
          [/ {2}pair: .*/, `  pair: { type: ssh, hosts: [${hosts.shown.join(", ")}] }`],
          [/(?<=nodes: 2\n) {4}python: .*/, `    env: { TORCHRUN: "${torchrun}", OMP_NUM_THREADS: 1 }`],
        ),
      );
      projects.push(project);
      const { stdout } = await project.must(["run", "dcgan-two", "-y", "--", ...quick]);
      const lines = stdout.split("\n").filter((line) => line.includes("loss_d"));
      expect(lines.map((line) => line.split("  loss_d")[0])).toEqual(
        Array.from(
          { length: batches / 2 },
          (_, at) => `[0 gpu-box-1] epoch 1/1  batch ${at + 1}/${batches / 2}`,
        ),
      );
      expect(stdout).toContain(`${batches / 2} batches of 200 on 2 x cpu`);
      const into = project.path("results", "dcgan-two");
      expect(listTree(join(into, "gpu-box-1"))).toEqual(
        ["output.txt", ...pictures.map((one) => `output/${one}`)].toSorted(),
      );
      expect(listTree(join(into, "gpu-box-2"))).toEqual(["output.txt"]); // rank 0 alone writes
      const run = await project.run("dcgan-two");
      expect(run).toMatchObject({ state: "succeeded", exit_code: 0, machine: "gpu-box-1,gpu-box-2" });
      const folders = hosts.servers.map(({ home }, rank) =>
        join(home, ".sesta", "runs", `${run.id}.${rank}`),
      );
      expect(run.nodes.map(({ folder }) => folder)).toEqual(folders);
      await project.must(["down", "-y"]);
      expect(hosts.servers.map(({ home }) => listTree(join(home, ".sesta", "runs")))).toEqual([[], []]);
    } finally {
      await hosts.end();
    }
  });
});

const missingPodman = missing ?? findMissingPodman();
if (missingPodman !== undefined) console.warn(`jobs-ssh.test.ts, containers: skipped: ${missingPodman}`);
const base = "docker.io/library/python:3.12-slim"; // of the example's Dockerfile; no registry is asked

describe.skipIf(missingPodman !== undefined)(
  "examples/dcgan in a container over SSH",
  { timeout: 900_000 },
  () => {
    let hosts: JobHosts;
    let podman: Podman;
    let cannot = "";
    const folder = join(makeTestFolder(), `podman-${process.pid}`);
    const onBox = () =>
      edit(example("dcgan"), [/ {2}box: .*/, `  box: { type: ssh, hosts: [${hosts.shown.join(", ")}] }`]);

    beforeAll(async () => {
      podman = createPodman(folder);
      hosts = await createJobHosts(["box"], { variables: podman.variables });
      writeStandIn(folder);
      const built = podman.run("build", "-q", "-t", base, join(folder, "stand-in"));
      const tried = built.status === 0 ? podman.run("run", "--rm", "--init", base, "python3") : built;
      cannot = tried.status === 0 ? "" : `podman cannot make containers here: ${tried.stderr}`;
      if (cannot !== "") console.warn(`skipped: ${cannot}`);
    }, 120_000);
    afterAll(async () => {
      podman?.end();
      await hosts?.end();
      spawnSync("rm", ["-rf", folder]);
    }, 120_000);

    test("its Dockerfile is built there once, and the program runs in it", async ({ skip }) => {
      if (cannot !== "") return skip();
      const project = await createJobProject({ example: "dcgan", yaml: onBox() });
      try {
        const first = await project.must(["run", "dcgan", "-y", "--", "--seed", "1"]);
        expect(first.stderr).toContain("build the image dist_dcgan");
        expect(first.stdout).toBe(
          "-m torch.distributed.launch dist_dcgan.py --dataset mnist --dataroot data --download --image_size 28 " +
            "--batch_size 64 --out_folder output --test_data --num_epochs 2 --max_workers 1 --seed 1\n",
        );
        expect(readFileSync(project.path("resultados/output.txt"), "utf8")).toBe(first.stdout);
        expect(readFileSync(project.path("resultados/output/made"), "utf8")).toBe("0 of 1\n");
        const again = await project.must(["run", "dcgan"]);
        expect(again.stderr).not.toContain("build the image");
        const [second, one] = await project.runs();
        expect([one?.container, second?.fetched?.into]).toEqual([
          second?.container,
          project.path("resultados", second?.id ?? ""),
        ]);
        expect(podman.must("ps", "-aq")).toBe("");
        const receipt = (await project.must(["down", "-y"])).stdout;
        expect(receipt).toContain(
          `gone     box: image ${one?.container?.replace("sha256:", "").slice(0, 12)}`,
        );
        expect(podman.run("image", "exists", "dist_dcgan").status).toBe(1);
        expect(podman.run("image", "exists", base).status).toBe(0);
      } finally {
        await project.end();
      }
    });

    test.skipIf(process.env["SESTA_FULL"] !== "1" || "missing" in torch)(
      "with PyTorch in its image, which is made without a registry",
      async ({ skip }) => {
        if (cannot !== "") return skip();
        const archive = makeTorchRoot();
        if ("missing" in archive) {
          console.warn(`skipped: ${archive.missing}`);
          return skip();
        }
        podman.must("rmi", "-f", base);
        podman.must("import", archive.path, base);
        const launch = ["torch.distributed.launch", "torch.distributed.launch -r 9:1 -t 9:1"] as const;
        const project = await createDcgan(edit(onBox(), launch));
        try {
          const began = performance.now();
          const { stdout } = await project.must(["run", "dcgan", "-y", "--", ...quick, "--num_epochs", "1"]);
          console.log(`dcgan in a container: ${Math.round(performance.now() - began)} ms with its build`);
          expect(stdout.match(/^epoch 1\/1  batch \d\/\d  loss_d \d/gm)).toHaveLength(batches);
          expect(listTree(project.path("resultados", "output"))).toEqual(pictures);
          const beganAgain = performance.now();
          await project.must(["run", "dcgan", "--", ...quick, "--num_epochs", "1"]);
          console.log(`again: ${Math.round(performance.now() - beganAgain)} ms`);
          const run = await project.run("dcgan");
          expect(run).toMatchObject({
            state: "succeeded",
            container: expect.stringMatching(/[0-9a-f]{64}/) as string,
          });
        } finally {
          await project.end();
        }
      },
    );
  },
);

/** An image with a shell, and a `python3` that says how it was called and writes what a training would. */
function writeStandIn(folder: string): void {
  const sources = join(folder, "stand-in");
  mkdirSync(sources, { recursive: true });
  copyFileSync("/bin/busybox", join(sources, "busybox"));
  writeFileSync(
    join(sources, "python3"),
    [
      "#!/bin/sh",
      "case ${1-} in",
      '  -m) echo "$*"; test -s dist_dcgan.py && mkdir -p output && echo "$RANK of $WORLD_SIZE" >output/made ;;',
      "esac",
      "",
    ].join("\n"),
  );
  chmodSync(join(sources, "python3"), 0o755);
  const copies = ["sh", "ln", "mkdir", "test"].map((name) => `COPY busybox /bin/${name}\n`).join("");
  writeFileSync(
    join(sources, "Dockerfile"),
    `FROM scratch\n${copies}COPY python3 /usr/local/bin/python3\nENV PATH=/usr/local/bin:/bin\n`,
  );
}

/** The files of a small Debian with PyTorch, kept between runs. */
function makeTorchRoot(): { path: string } | { missing: string } {
  const path = join(makeTestFolder(), "debian-torch.tar");
  if (existsSync(path)) return { path };
  const works = () => spawnSync("mmdebstrap", ["--version"]).status === 0;
  const absent = findMissingPackage("mmdebstrap", works);
  if (absent !== undefined) return { missing: absent };
  const fresh = `${path}.new.tar`;
  const left = ["doc", "man", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  const operands = ["--mode=root", "--variant=essential", "--include=python3-torch,libopenblas0-pthread"];
  const ran = spawnSync("mmdebstrap", [...operands, ...left, "bookworm", fresh], {
    encoding: "utf8",
    timeout: 600_000,
  });
  if (ran.status !== 0)
    return { missing: `mmdebstrap made no root: ${ran.stderr.trim().split("\n").at(-1)}` };
  spawnSync("mv", [fresh, path]);
  return { path };
}
