// The programs of examples/train and examples/dcgan by themselves: what they learn, write, and pick up again.
import { readdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, inflateSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { loadProject } from "../src/project/load.ts";
import {
  copyExample,
  findNumpyPython,
  findTorchPython,
  removeExample,
  runProgram,
  type Found,
} from "./support/example-program.ts";
import { freePort } from "./support/scratch-project.ts";

const numpy = findNumpyPython();
const torch = findTorchPython();
for (const found of [numpy, torch]) if ("missing" in found) console.warn(`skipped: ${found.missing}`);

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach(removeExample));

function copy(name: string): string {
  const folder = copyExample(name);
  folders.push(folder);
  return folder;
}

test.each([
  ["train", ["train"]],
  ["dcgan", ["dcgan-here", "dcgan", "dcgan-two"]],
])("the project file of examples/%s is right", async (name, jobs) => {
  const { workloads } = await loadProject(copy(name));
  expect(Object.values(workloads).map((job) => [job.type, job.name])).toEqual(
    jobs.map((job) => ["job", job]),
  );
});

describe.skipIf("missing" in numpy)("train.py", { timeout: 120_000 }, () => {
  const epochs = 8;
  const train = (folder: string, ...more: string[]) =>
    runProgram(here(numpy), folder, ["train.py", "--epochs", String(epochs), ...more]);

  test("learns, says so epoch by epoch, and writes what it learnt", async () => {
    const folder = copy("train");
    const { code, stdout, stderr } = await train(folder);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.match(/^epoch \d+\/8  loss \d\.\d{4} .*$/gm)).toHaveLength(epochs);
    expect(readdirSync(join(folder, "output")).toSorted()).toEqual([
      "checkpoint.npz",
      "loss.csv",
      "metrics.json",
      "model.npz",
    ]);
    const [head, ...rows] = read(folder, "output/loss.csv").toString().trim().split("\n");
    expect(head).toBe("epoch,loss,test_loss,accuracy");
    const losses = rows.map((row) => Number(row.split(",")[1]));
    expect(losses).toHaveLength(epochs);
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 4);
    const metrics = JSON.parse(read(folder, "output/metrics.json").toString()) as Record<string, number>;
    expect(metrics).toMatchObject({ epochs, seed: 0, lr: 0.002 });
    expect(metrics["accuracy"]).toBeGreaterThan(0.95);
  });

  test("ended and begun again, it has the same result as undisturbed", async () => {
    const results = ["output/metrics.json", "output/loss.csv", "output/model.npz"];
    const undisturbed = copy("train");
    await train(undisturbed);
    const wanted = results.map((path) => read(undisturbed, path));
    for (const [signal, line] of [
      ["SIGTERM", /^signal 15: output\/checkpoint\.npz holds \d epochs and \d+ batches$/m],
      ["SIGKILL", /^epoch 2\/8 .*$/m],
    ] as const) {
      const folder = copy("train");
      const operands = ["train.py", "--epochs", String(epochs)];
      const ended = await runProgram(here(numpy), folder, operands, { after: "epoch 2/8", with: signal });
      expect([ended.code, ended.signal]).toEqual(signal === "SIGTERM" ? [143, null] : [128, "SIGKILL"]);
      expect(ended.stdout).toMatch(line);
      const again = await train(folder);
      expect(again.stdout).toMatch(/^output\/checkpoint\.npz: going on after [2-7] epochs and \d+ batches$/m);
      expect(again.stdout).not.toContain("epoch 2/8");
      expect(
        results.map((path) => read(folder, path).equals(wanted[results.indexOf(path)] ?? Buffer.of())),
      ).toEqual([true, true, true]);
    }
  });

  test("a checkpoint with another seed is not gone on from; one that is done is not repeated", async () => {
    const folder = copy("train");
    await train(folder);
    expect((await train(folder)).stdout).not.toContain("epoch 8/8");
    const other = await train(folder, "--seed", "1");
    expect(other.stdout).toMatch(/has another seed or lr: beginning anew\nepoch 1\/8/);
  });
});

describe.skipIf("missing" in numpy)("make_digits.py", () => {
  const draw = (folder: string, ...more: string[]) =>
    runProgram(here(numpy), folder, ["make_digits.py", "data", "--train", "300", "--test", "100", ...more]);

  test("writes MNIST's four files, the same for the same seed", async () => {
    const folder = copy("dcgan");
    expect(await draw(folder)).toMatchObject({ code: 0, stderr: "" });
    for (const [name, count] of [
      ["train", 300],
      ["t10k", 100],
    ] as const) {
      const images = gunzipSync(read(folder, `data/${name}-images-idx3-ubyte.gz`));
      const labels = gunzipSync(read(folder, `data/${name}-labels-idx1-ubyte.gz`));
      expect([0, 4, 8, 12].map((at) => images.readUInt32BE(at))).toEqual([0x803, count, 28, 28]);
      expect([0, 4].map((at) => labels.readUInt32BE(at))).toEqual([0x801, count]);
      expect([images.length, labels.length]).toEqual([16 + count * 28 * 28, 8 + count]);
      expect(new Set(labels.subarray(8)).size).toBe(10);
      for (let at = 16; at < images.length; at += 784) {
        const ink = images.subarray(at, at + 784).filter((value) => value > 127).length;
        expect(ink).toBeGreaterThan(20);
        expect(ink).toBeLessThan(300);
      }
    }
    const path = "data/train-images-idx3-ubyte.gz";
    const before = read(folder, path);
    await draw(folder);
    expect(read(folder, path).equals(before)).toBe(true);
    await draw(folder, "--seed", "1");
    expect(read(folder, path).equals(before)).toBe(false);
  });
});

describe.skipIf("missing" in torch)("dist_dcgan.py", { timeout: 180_000 }, () => {
  const files = ["discriminator.pt", "generator.pt", "samples_epoch_1.png"];
  const quick = ["--batch_size", "128", "--test_data", "--log_every", "1", "--max_workers", "1"];
  // PyTorch 1.13 does not understand its own default of these two under Python 3.11.
  const launch = [
    "-m",
    "torch.distributed.run",
    "--redirects",
    "9:1",
    "--tee",
    "9:1",
    "--nproc_per_node",
    "2",
  ];
  const draw = (folder: string, count: number) =>
    runProgram(here(torch), folder, ["make_digits.py", "data", "--train", "1", "--test", String(count)]);

  test("alone: says its losses, and rank 0 writes weights and a picture", async () => {
    const folder = copy("dcgan");
    await draw(folder, 3_000);
    const { code, stdout, stderr } = await runProgram(here(torch), folder, ["dist_dcgan.py", ...quick]);
    expect([code, stderr]).toEqual([0, ""]);
    const losses = [...stdout.matchAll(/^epoch 1\/1  batch \d+\/23  loss_d (\S+)  loss_g \S+ /gm)].map(
      readLoss,
    );
    expect(losses).toHaveLength(23);
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2);
    expect(readdirSync(join(folder, "output")).toSorted()).toEqual(files);
    const pixels = readPicture(read(folder, "output/samples_epoch_1.png"), 8 * 28);
    expect(Math.max(...pixels) - Math.min(...pixels)).toBeGreaterThan(60);
  });

  test("larger pictures", async () => {
    const folder = copy("dcgan");
    await draw(folder, 64);
    const larger = [...quick, "--image_size", "64", "--batch_size", "32"];
    const { code, stderr } = await runProgram(here(torch), folder, ["dist_dcgan.py", ...larger]);
    expect([code, stderr]).toEqual([0, ""]);
    readPicture(read(folder, "output/samples_epoch_1.png"), 8 * 64);
  });

  // By default the two are on two hosts, in jobs-ssh.test.ts.
  test.runIf(process.env["SESTA_FULL"] === "1")(
    "two processes make the digits once and have one set of results",
    async () => {
      const folder = copy("dcgan");
      const operands = [
        ...launch,
        "--master_port",
        String(await freePort()),
        "dist_dcgan.py",
        ...quick,
        "--download",
        "--batch_size",
        "500",
        "--width",
        "4",
      ];
      const { code, stdout, stderr } = await runProgram(here(torch), folder, operands);
      expect(stderr).not.toContain("Traceback");
      expect(code).toBe(0);
      const lines = stdout.trim().split("\n");
      expect(lines.slice(0, 3)).toEqual([
        "data: 20000 digits for train",
        "data: 10000 digits for t10k",
        "10000 digits, 10 batches of 500 on 2 x cpu",
      ]);
      expect(lines.slice(3).map((line) => line.split("  loss_d")[0])).toEqual(
        Array.from({ length: 10 }, (_, index) => `epoch 1/1  batch ${index + 1}/10`),
      );
      expect(readdirSync(join(folder, "output")).toSorted()).toEqual(files);
      readPicture(read(folder, "output/samples_epoch_1.png"), 8 * 28);
    },
  );

  test("says what is missing, and what is no IDX file", async () => {
    const folder = copy("dcgan");
    const run = () => runProgram(here(torch), folder, ["dist_dcgan.py", ...quick]);
    expect(await run()).toMatchObject({
      code: 1,
      stderr: "data/t10k-images-idx3-ubyte.gz is missing: add --download, or run make_digits.py data\n",
    });
    await draw(folder, 10);
    truncateSync(join(folder, "data/t10k-images-idx3-ubyte.gz"), 100);
    expect((await run()).stderr).toMatch(/ended before the end-of-stream|has not the length/);
  });
});

function here(found: Found): { python: string } {
  if ("missing" in found) throw new Error(found.missing);
  return found;
}

function read(folder: string, path: string): Buffer {
  return readFileSync(join(folder, path));
}

function readLoss([, text]: RegExpMatchArray): number {
  return Number(text);
}

/** The grey values of a square PNG with one IDAT and filter 0. */
function readPicture(png: Buffer, side: number): number[] {
  expect(png.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  expect([png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]]).toEqual([side, side, 8, 0]);
  expect(png.subarray(-8, -4).toString()).toBe("IEND");
  const start = png.indexOf("IDAT");
  const rows = inflateSync(png.subarray(start + 4, start + 4 + png.readUInt32BE(start - 4)));
  expect(rows.length).toBe(side * (side + 1));
  return [...rows].filter((_, index) => index % (side + 1) !== 0);
}
